import {
  type AdmissionRequest,
  addUsage,
  admissionForbidden,
  excessUsage,
  isInScope,
  type KubeObject,
  NO_SCOPES,
  pickUsage,
  printUsage,
  type QuotaEvaluator,
  scopeRequirements,
  type Usage,
} from 'kernetes/sdk';
import { assertCovered } from './limited.ts';
import { type CheckOptions, countedNames, nameOf, type QuotaState } from './state.ts';

/** What a request takes of each quota, by the quotas' names. */
export type Charges = Map<string, Usage>;

/**
 * What the request takes of the quotas; nothing is taken yet. Throws Forbidden when the object does
 * not say what a quota is on, when there is too little left, or when a quota would be needed.
 */
export function chargesOf(
  request: AdmissionRequest,
  states: readonly QuotaState[],
  options: CheckOptions,
): Charges {
  const { evaluator, usage, usageBefore } = options;
  const concerned = states.filter(state =>
    concerns(state, request.object as KubeObject, evaluator),
  );
  for (const state of concerned) assertUsable(request, state, evaluator);
  assertPositive(request, usage);
  const charges: Charges = new Map();
  for (const state of concerned) {
    const demand = demandOn(request, state, options);
    if (demand.size > 0) charges.set(nameOf(state), demand);
  }
  if (excessUsage(usage, usageBefore ?? NO_USAGE).size > 0)
    assertCovered(request, states, { ...options, concerned });
  for (const state of concerned) assertFits(request, state, charges.get(nameOf(state)));
  return charges;
}

/** The same for one quota that has changed since. */
export function chargeOn(
  request: AdmissionRequest,
  state: QuotaState,
  options: CheckOptions,
): Usage | undefined {
  if (!concerns(state, request.object as KubeObject, options.evaluator)) return undefined;
  assertUsable(request, state, options.evaluator);
  const demand = demandOn(request, state, options);
  assertFits(request, state, demand);
  return demand.size > 0 ? demand : undefined;
}

function concerns(state: QuotaState, object: KubeObject, evaluator: QuotaEvaluator): boolean {
  if (![...state.hard.keys()].some(evaluator.counts)) return false;
  const required = scopeRequirements(state.quota);
  if (required.length === 0) return true;
  const scopes = evaluator.scopes?.(object) ?? NO_SCOPES;
  return required.every(requirement => isInScope(requirement, scopes));
}

function assertUsable(
  request: AdmissionRequest,
  state: QuotaState,
  evaluator: QuotaEvaluator,
): void {
  const names = countedNames(state, evaluator);
  const missing = evaluator.missing?.(request.object as KubeObject, names);
  if (missing) throw admissionForbidden(request, `failed quota: ${nameOf(state)}: ${missing}`);
  if (names.every(name => state.used.has(name))) return;
  const why = `status unknown for quota: ${nameOf(state)}, resources: ${names.join(',')}`;
  throw admissionForbidden(request, why);
}

function assertPositive(request: AdmissionRequest, usage: Usage): void {
  const negative = [...usage].filter(([, { mantissa }]) => mantissa < 0n).map(([name]) => name);
  if (negative.length === 0) return;
  const why = `quota usage is negative for resource(s): ${negative.sort().join(',')}`;
  throw admissionForbidden(request, why);
}

/** What the quota counts of the object, or of what an update adds to one that it counts already. */
function demandOn(
  { oldObject }: AdmissionRequest,
  state: QuotaState,
  { evaluator, usage, usageBefore = NO_USAGE }: CheckOptions,
): Usage {
  const isCounted = oldObject !== undefined && concerns(state, oldObject, evaluator);
  const growth = excessUsage(usage, isCounted ? usageBefore : NO_USAGE);
  return pickUsage(growth, name => state.hard.has(name));
}

function assertFits(
  request: AdmissionRequest,
  { quota, hard, used }: QuotaState,
  demand: Usage = NO_USAGE,
): void {
  const wanted = pickUsage(addUsage(used, demand), name => demand.has(name));
  const excess = excessUsage(wanted, hard);
  if (excess.size === 0) return;
  const print = (usage: Usage) => printUsage(pickUsage(usage, name => excess.has(name)));
  const why =
    `exceeded quota: ${quota.metadata.name}, requested: ${print(demand)}, ` +
    `used: ${print(used)}, limited: ${print(hard)}`;
  throw admissionForbidden(request, why);
}

const NO_USAGE: Usage = new Map();
