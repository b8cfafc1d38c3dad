import {
  type AdmissionRequest,
  admissionForbidden,
  isInScope,
  type KubeObject,
  NO_SCOPES,
  type ScopedResourceSelectorRequirement,
  type Scopes,
  scopeRequirements,
} from 'kernetes/sdk';
import { type CheckOptions, countedNames, type QuotaState } from './state.ts';

/** What may only be used where a quota is on it: an entry of upstream's `limitedResources`. */
export interface LimitedResource {
  readonly apiGroup?: string;
  readonly resource: string;
  /** Uses of a resource whose name contains one of these. */
  readonly matchContains?: readonly string[];
  /** Objects in one of these scopes. */
  readonly matchScopes?: readonly ScopedResourceSelectorRequirement[];
}

export function limitsOn(
  limited: readonly LimitedResource[],
  { group, resource }: Pick<AdmissionRequest, 'group' | 'resource'>,
): readonly LimitedResource[] {
  return limited.filter(each => (each.apiGroup ?? '') === group && each.resource === resource);
}

interface CoverOptions extends CheckOptions {
  /** The quotas that are about the request. */
  readonly concerned: readonly QuotaState[];
}

/** Throws Forbidden when the request uses something that no quota is on and one should be. */
export function assertCovered(
  request: AdmissionRequest,
  states: readonly QuotaState[],
  options: CoverOptions,
): void {
  const limits = limitsOn(options.limited, request);
  if (limits.length === 0) return;
  const names = uncoveredNames(limits, options);
  if (names.length > 0) {
    throw admissionForbidden(request, `insufficient quota to consume: ${names.join(',')}`);
  }
  const { evaluator } = options;
  const scopes = evaluator.scopes?.(request.object as KubeObject) ?? NO_SCOPES;
  const open = uncoveredScopes(limits, states, scopes);
  if (open.length === 0) return;
  const why = `insufficient quota to match these scopes: [${open.map(printScope).join(' ')}]`;
  throw admissionForbidden(request, why);
}

function uncoveredNames(
  limits: readonly LimitedResource[],
  { usage, evaluator, concerned }: CoverOptions,
): string[] {
  const covered = new Set(concerned.flatMap(state => countedNames(state, evaluator)));
  const words = limits.flatMap(({ matchContains = [] }) => matchContains);
  return [...usage]
    .filter(([, { mantissa }]) => mantissa > 0n)
    .map(([name]) => name)
    .filter(name => !covered.has(name) && words.some(word => name.includes(word)))
    .sort();
}

/** A quota that is in a scope covers it, whatever it is on. */
function uncoveredScopes(
  limits: readonly LimitedResource[],
  states: readonly QuotaState[],
  scopes: Scopes,
): readonly ScopedResourceSelectorRequirement[] {
  const isIn = (requirement: ScopedResourceSelectorRequirement) => isInScope(requirement, scopes);
  const known = states.flatMap(({ quota }) => scopeRequirements(quota)).filter(isIn);
  return limits
    .flatMap(({ matchScopes = [] }) => matchScopes)
    .filter(isIn)
    .filter(({ scopeName }) => !known.some(each => each.scopeName === scopeName));
}

/** As Go prints it. */
function printScope({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement) {
  return `{${scopeName} ${operator} [${values.join(' ')}]}`;
}
