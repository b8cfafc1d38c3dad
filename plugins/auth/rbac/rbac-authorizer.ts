import {
  type Attributes,
  type Authorizer,
  type ClusterRole,
  type ClusterRoleBinding,
  type Decision,
  type Informer,
  joinErrors,
  type PolicyRule,
  type ResolvedRules,
  type Role,
  type RoleBinding,
  type User,
} from 'kernetes/sdk';
import { CompiledRules, type Question, questionOf } from './compiled-rules.ts';
import { type Binding, GROUP, type Grant, GrantIndex, type SubjectGrants } from './grant-index.ts';

export interface RbacObjects {
  readonly roles: Informer<Role>;
  readonly clusterRoles: Informer<ClusterRole>;
  readonly roleBindings: Informer<RoleBinding>;
  readonly clusterRoleBindings: Informer<ClusterRoleBinding>;
}

/** What a user holds in a namespace, and which roles of it could not be found. */
export interface HeldRules {
  readonly rules: readonly PolicyRule[];
  readonly errors: readonly string[];
}

/**
 * Allows what a role that is bound to the user allows; has no opinion else, and none before it has
 * seen all roles and bindings. A cluster role's rules are compiled when they are first asked:
 * most of those that every cluster has never are.
 */
export class RbacAuthorizer implements Authorizer {
  readonly #objects: RbacObjects;
  readonly #grants = new GrantIndex();
  readonly #compiled = new WeakMap<Role | ClusterRole, CompiledRules>();
  #isSynced = false;

  constructor(objects: RbacObjects) {
    this.#objects = objects;
    const handlers = {
      added: (binding: Binding) => this.#grants.add(binding),
      updated: (binding: Binding, old: Binding) => {
        this.#grants.remove(old);
        this.#grants.add(binding);
      },
      deleted: (binding: Binding) => this.#grants.remove(binding),
    };
    objects.clusterRoleBindings.on(handlers);
    objects.roleBindings.on(handlers);
  }

  authorize(attributes: Attributes): Decision {
    if (!this.#synced()) return NOT_SYNCED;
    const question = questionOf(attributes);
    const namespace = 'path' in attributes ? '' : attributes.namespace;
    const missing: string[] = [];
    const { name, groups } = attributes.user;
    let allowed = this.#firstAllowing(this.#grants.user(name), namespace, question, missing);
    for (let i = 0; allowed === undefined && i < groups.length; i++) {
      const grants = this.#grants.group(groups[i] ?? '');
      allowed = this.#firstAllowing(grants, namespace, question, missing);
    }
    if (allowed) {
      allowed.reason ??= { verdict: 'allow', reason: reasonOf(allowed) };
      return allowed.reason;
    }
    if (missing.length === 0) return 'no-opinion';
    return { verdict: 'no-opinion', reason: `RBAC: ${joinErrors(missing)}` };
  }

  rules(user: User, namespace: string): ResolvedRules {
    const { rules, errors } = this.held(user, namespace);
    return {
      resources: rules
        .filter(({ resources }) => resources?.length)
        .map(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) => {
          return { verbs, apiGroups, resources, resourceNames };
        }),
      paths: rules
        .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
        .map(({ verbs, nonResourceURLs = [] }) => ({ verbs, nonResourceURLs })),
      incomplete: errors.length > 0,
    };
  }

  held(user: User, namespace: string): HeldRules {
    if (!this.#synced()) return { rules: [], errors: [NOT_SYNCED.reason] };
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    const all = [
      this.#grants.user(user.name),
      ...user.groups.map(each => this.#grants.group(each)),
    ];
    for (const grants of all) {
      const local = (namespace && grants?.namespaces.get(namespace)) || [];
      for (const grant of [...(grants?.cluster ?? []), ...local]) {
        const role = this.#roleOf(grant.binding);
        if (role === undefined) errors.push(missingRole(grant.binding));
        else rules.push(...(role.rules ?? []));
      }
    }
    return { rules, errors: [...new Set(errors)] };
  }

  #firstAllowing(
    grants: SubjectGrants | undefined,
    namespace: string,
    question: Question,
    missing: string[],
  ): Grant | undefined {
    if (grants === undefined) return undefined;
    const found = grants.cluster.find(grant => this.#allows(grant, question, missing));
    if (found || namespace === '') return found;
    const local = grants.namespaces.get(namespace);
    return local?.find(grant => this.#allows(grant, question, missing));
  }

  #allows({ binding }: Grant, question: Question, missing: string[]): boolean {
    const role = this.#roleOf(binding);
    if (role === undefined) {
      missing.push(missingRole(binding));
      return false;
    }
    let compiled = this.#compiled.get(role);
    if (compiled === undefined) {
      compiled = new CompiledRules(role.rules ?? []);
      this.#compiled.set(role, compiled);
    }
    return compiled.allow(question);
  }

  /** Undefined: there is none, or none that such a binding can have. */
  #roleOf({ roleRef, metadata }: Binding): Role | ClusterRole | undefined {
    const { apiGroup, kind, name } = roleRef ?? {};
    if (apiGroup !== GROUP || !name) return undefined;
    if (kind === 'ClusterRole') return this.#objects.clusterRoles.get(name);
    if (kind !== 'Role' || !metadata.namespace) return undefined;
    return this.#objects.roles.get(`${metadata.namespace}/${name}`);
  }

  /** Once it is, it stays: what a lost watch misses comes with the next list. */
  #synced(): boolean {
    this.#isSynced ||= Object.values(this.#objects).every(informer => informer.hasSynced);
    return this.#isSynced;
  }
}

function missingRole({ roleRef }: Binding): string {
  const { kind = '', name = '' } = roleRef ?? {};
  return `${kind.toLowerCase()}.${GROUP} "${name}" not found`;
}

function reasonOf({ binding, subject }: Grant): string {
  const { name = '', namespace } = binding.metadata;
  const kind = namespace ? 'RoleBinding' : 'ClusterRoleBinding';
  const at = namespace ? `${name}/${namespace}` : name;
  const isAccount = subject.kind === 'ServiceAccount';
  const who = isAccount ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  const role = `${binding.roleRef.kind} "${binding.roleRef.name}"`;
  return `RBAC: allowed by ${kind} "${at}" of ${role} to ${subject.kind} "${who}"`;
}

const NOT_SYNCED = {
  verdict: 'no-opinion',
  reason: 'RBAC: the roles and bindings are not known yet',
} as const;
