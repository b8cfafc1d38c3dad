import { isDeepStrictEqual } from 'node:util';
import {
  type ClusterRole,
  type ClusterRoleBinding,
  type ObjectMeta,
  type Role,
  type RoleBinding,
  type Subject,
  uncoveredRules,
} from 'kernetes/sdk';

export type Policy = Role | ClusterRole | RoleBinding | ClusterRoleBinding;

/**
 * What is to be done about an object that is there. Nothing is taken away from it: whoever added a
 * rule or a subject keeps it, and who wants none of this says so by an annotation. A binding to
 * another role cannot be changed, only made anew.
 */
export type Correction =
  | { readonly type: 'none' }
  | { readonly type: 'update' | 'recreate'; readonly object: Policy };

export function correct(found: Policy, wanted: Policy): Correction {
  if (found.metadata.annotations?.[AUTO_UPDATE] === 'false') return { type: 'none' };
  const metadata = withMissing(found.metadata, wanted.metadata);
  if ('roleRef' in wanted) return correctBinding(found as RoleBinding, wanted, metadata);
  return correctRole(found as ClusterRole, wanted, metadata);
}

function correctRole(found: ClusterRole, wanted: ClusterRole, metadata: ObjectMeta): Correction {
  const missing = missingRules(found, wanted);
  const selectors = missingSelectors(found, wanted);
  if (missing.length === 0 && selectors.length === 0 && metadata === found.metadata) return NONE;
  const clusterRoleSelectors = [
    ...(found.aggregationRule?.clusterRoleSelectors ?? []),
    ...selectors,
  ];
  const object: ClusterRole = {
    ...found,
    metadata,
    rules: [...(found.rules ?? []), ...missing],
    ...(clusterRoleSelectors.length > 0 && { aggregationRule: { clusterRoleSelectors } }),
  };
  return { type: 'update', object };
}

function missingRules({ rules: found = [] }: ClusterRole, { rules: wanted = [] }: ClusterRole) {
  return isDeepStrictEqual(found, wanted) ? [] : uncoveredRules(found, wanted);
}

function missingSelectors(found: ClusterRole, wanted: ClusterRole) {
  const has = found.aggregationRule?.clusterRoleSelectors ?? [];
  const wants = wanted.aggregationRule?.clusterRoleSelectors ?? [];
  return wants.filter(each => !has.some(other => isDeepStrictEqual(each, other)));
}

function correctBinding(found: RoleBinding, wanted: RoleBinding, metadata: ObjectMeta): Correction {
  if (!isDeepStrictEqual(found.roleRef, wanted.roleRef)) {
    const { labels = {}, annotations = {} } = metadata;
    const { name = '', namespace } = metadata;
    const fresh = { name, ...(namespace && { namespace }), labels, annotations };
    return { type: 'recreate', object: { ...wanted, metadata: fresh } };
  }
  const has = found.subjects ?? [];
  const missing = (wanted.subjects ?? []).filter(each => !has.some(other => same(each, other)));
  if (missing.length === 0 && metadata === found.metadata) return NONE;
  return { type: 'update', object: { ...found, metadata, subjects: [...has, ...missing] } };
}

function same(a: Subject, b: Subject): boolean {
  return (
    a.kind === b.kind &&
    a.name === b.name &&
    (a.namespace ?? '') === (b.namespace ?? '') &&
    (a.apiGroup ?? '') === (b.apiGroup ?? '')
  );
}

/** The same object when nothing is missing. */
function withMissing(found: ObjectMeta, wanted: ObjectMeta): ObjectMeta {
  const labels = { ...wanted.labels, ...found.labels };
  const annotations = { ...wanted.annotations, ...found.annotations };
  const isComplete =
    isDeepStrictEqual(labels, { ...found.labels }) &&
    isDeepStrictEqual(annotations, { ...found.annotations });
  return isComplete ? found : { ...found, labels, annotations };
}

const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate';
const NONE: Correction = { type: 'none' };
