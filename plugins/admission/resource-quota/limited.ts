import {
  type AdmissionRequest,
  admissionForbidden,
  isInScope,
  type KubeObject,
  NO_SCOPES,
  type ScopedResourceSelectorRequirement,
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

/** Throws Forbidden when the request uses something that no quota is on and one should be. */
export function assertCovered(
  request: AdmissionRequest,
  states: readonly QuotaState[],
  {
    limited,
    evaluator,
    now,
    concerned,
  }: CheckOptions & { readonly concerned: readonly QuotaState[] },
): void {
  const limits = limitsOn(limited, request);
  if (limits.length === 0) return;
  const object = request.object as KubeObject;
  const covered = new Set(concerned.flatMap(state => countedNames(state, evaluator)));
  const words = limits.flatMap(({ matchContains = [] }) => matchContains);
  const uncovered = [...evaluator.usage(object, now)]
    .filter(([, { mantissa }]) => mantissa > 0n)
    .map(([name]) => name)
    .filter(name => !covered.has(name) && words.some(word => name.includes(word)));
  if (uncovered.length > 0) {
    const why = `insufficient quota to consume: ${uncovered.sort().join(',')}`;
    throw admissionForbidden(request, why);
  }
  const scopes = evaluator.scopes?.(object) ?? NO_SCOPES;
  const isIn = (requirement: ScopedResourceSelectorRequirement) => isInScope(requirement, scopes);
  const known = states.flatMap(({ quota }) => scopeRequirements(quota)).filter(isIn);
  const open = limits
    .flatMap(({ matchScopes = [] }) => matchScopes)
    .filter(isIn)
    .filter(({ scopeName }) => !known.some(each => each.scopeName === scopeName));
  if (open.length === 0) return;
  const why = `insufficient quota to match these scopes: [${open.map(printScope).join(' ')}]`;
  throw admissionForbidden(request, why);
}

/** As Go prints it. */
function printScope({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement) {
  return `{${scopeName} ${operator} [${values.join(' ')}]}`;
}
