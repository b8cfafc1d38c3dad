import { type ClusterRoleBinding, keyOf, type RoleBinding, type Subject } from 'kernetes/sdk';

/**
 * Bindings by those whom they bind. A decision looks at the user's name and groups, so it costs as
 * much as these have bindings, however many there are in the cluster. A service account is found
 * under its user name: both ways to bind it lead there.
 */
export class GrantIndex {
  readonly #users = new Map<string, SubjectGrants>();
  readonly #groups = new Map<string, SubjectGrants>();

  add(binding: Binding): void {
    for (const subject of binding.subjects ?? []) {
      const place = this.#placeOf(subject, binding);
      if (place === undefined) continue;
      const known = place.byName.get(place.name);
      const grants: SubjectGrants = known ?? { cluster: [], namespaces: new Map() };
      place.byName.set(place.name, grants);
      const { namespace } = binding.metadata;
      const grant = { binding, subject, reason: undefined };
      if (!namespace) grants.cluster.push(grant);
      else grants.namespaces.set(namespace, [...(grants.namespaces.get(namespace) ?? []), grant]);
    }
  }

  remove(binding: Binding): void {
    const key = keyOf(binding);
    const stays = (grant: Grant) => keyOf(grant.binding) !== key;
    for (const subject of binding.subjects ?? []) {
      const place = this.#placeOf(subject, binding);
      const grants = place?.byName.get(place.name);
      if (place === undefined || grants === undefined) continue;
      const { namespace } = binding.metadata;
      if (namespace) {
        const left = (grants.namespaces.get(namespace) ?? []).filter(stays);
        if (left.length > 0) grants.namespaces.set(namespace, left);
        else grants.namespaces.delete(namespace);
      } else {
        grants.cluster = grants.cluster.filter(stays);
      }
      const isEmpty = grants.cluster.length === 0 && grants.namespaces.size === 0;
      if (isEmpty) place.byName.delete(place.name);
    }
  }

  user(name: string): SubjectGrants | undefined {
    return this.#users.get(name);
  }

  group(name: string): SubjectGrants | undefined {
    return this.#groups.get(name);
  }

  /** Undefined: nobody can be this subject. */
  #placeOf({ kind, apiGroup, name, namespace }: Subject, binding: Binding) {
    if (!name) return undefined;
    if (kind === 'ServiceAccount') {
      const home = namespace || binding.metadata.namespace;
      if (apiGroup || !home) return undefined;
      return { byName: this.#users, name: `system:serviceaccount:${home}:${name}` };
    }
    if (apiGroup !== GROUP) return undefined;
    if (kind === 'User') return { byName: this.#users, name };
    return kind === 'Group' ? { byName: this.#groups, name } : undefined;
  }
}

export type Binding = RoleBinding | ClusterRoleBinding;

/** One subject's part in a binding. */
export interface Grant {
  readonly binding: Binding;
  readonly subject: Subject;
  /** Made when it is first asked for, as most never are. */
  reason: { readonly verdict: 'allow'; readonly reason: string } | undefined;
}

export interface SubjectGrants {
  cluster: Grant[];
  readonly namespaces: Map<string, Grant[]>;
}

export const GROUP = 'rbac.authorization.k8s.io';
