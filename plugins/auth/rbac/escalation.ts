import { isDeepStrictEqual } from 'node:util';
import {
  type AdmissionPlugin,
  type AdmissionRequest,
  type ClusterRole,
  compactRules,
  forbidden,
  formatRule,
  formatWords,
  type KubeObject,
  type PolicyRule,
  type ResourceAttributes,
  type Role,
  type RoleRef,
  type User,
  uncoveredRules,
} from 'kernetes/sdk';
import { type Binding, GROUP } from './grant-index.ts';
import type { HeldRules } from './rbac-authorizer.ts';

export interface EscalationOptions {
  held(user: User, namespace: string): HeldRules;
  /** Whether all authorizers together allow it. */
  isAllowed(attributes: ResourceAttributes): Promise<boolean>;
  /** A role's rules; rejects with NotFound. */
  rulesOf(role: RoleRef, namespace: string): Promise<readonly PolicyRule[]>;
}

/**
 * Nobody writes a role that has more rights than they have, or binds anybody to one, unless they
 * may `escalate` or `bind` it.
 */
export function escalationCheck(options: EscalationOptions): AdmissionPlugin {
  return {
    rules: [
      {
        operations: ['CREATE', 'UPDATE'],
        groups: [GROUP],
        resources: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'],
      },
    ],
    async validate(request) {
      if (request.user.groups.includes(SUPERUSERS) || changesOnlyOwnership(request)) return;
      if (request.resource.endsWith('bindings')) await checkBinding(request, options);
      else await checkRole(request, options);
    },
  };
}

async function checkRole(request: AdmissionRequest, options: EscalationOptions): Promise<void> {
  const { user, namespace, resource, operation } = request;
  // The name of what does not exist yet is no part of the request upstream.
  const name = operation === 'CREATE' ? '' : request.name;
  if (await options.isAllowed(attributesOf('escalate', { user, namespace, resource, name })))
    return;
  const role = request.object as Role | ClusterRole;
  refuseUncovered(request, role.rules ?? [], options);
  const aggregates = [role, request.oldObject].some(
    each => each && 'aggregationRule' in each && each.aggregationRule !== undefined,
  );
  if (aggregates && uncovered(request, EVERYTHING, options).length > 0) {
    const why = 'must have cluster-admin privileges to use the aggregationRule';
    throw forbidden(request, request.name, why);
  }
}

async function checkBinding(request: AdmissionRequest, options: EscalationOptions): Promise<void> {
  const { user, namespace } = request;
  const { roleRef } = request.object as Binding;
  const resource = roleRef.kind === 'Role' ? 'roles' : 'clusterroles';
  const { name } = roleRef;
  if (await options.isAllowed(attributesOf('bind', { user, namespace, resource, name }))) return;
  refuseUncovered(request, await options.rulesOf(roleRef, namespace), options);
}

function attributesOf(
  verb: 'escalate' | 'bind',
  target: Pick<ResourceAttributes, 'user' | 'namespace' | 'resource' | 'name'>,
): ResourceAttributes {
  return { verb, group: GROUP, version: '*', subresource: '', ...target };
}

function refuseUncovered(
  request: AdmissionRequest,
  wanted: readonly PolicyRule[],
  options: EscalationOptions,
): void {
  const missing = uncovered(request, wanted, options);
  if (missing.length === 0) return;
  const { name, groups } = request.user;
  const texts = [...new Set(compactRules(missing).map(formatRule))].sort();
  const who = `user ${JSON.stringify(name)} (groups=${formatWords(groups)})`;
  const what = 'is attempting to grant RBAC permissions not currently held';
  const { errors } = options.held(request.user, request.namespace);
  const unknown = errors.length > 0 ? `; resolution errors: [${errors.join(' ')}]` : '';
  const why = `${who} ${what}:\n${texts.join('\n')}${unknown}`;
  throw forbidden(request, request.name, why);
}

function uncovered(
  { user, namespace }: AdmissionRequest,
  wanted: readonly PolicyRule[],
  { held }: EscalationOptions,
): PolicyRule[] {
  return uncoveredRules(held(user, namespace).rules, wanted);
}

/** So that the garbage collector can do its work on roles that it does not hold. */
function changesOnlyOwnership({ object, oldObject }: AdmissionRequest): boolean {
  if (object === undefined || oldObject === undefined) return false;
  return isDeepStrictEqual(withoutOwnership(object), withoutOwnership(oldObject));
}

function withoutOwnership({ metadata, ...rest }: KubeObject): object {
  const { ownerReferences, finalizers, managedFields, resourceVersion, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

const SUPERUSERS = 'system:masters';

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];
