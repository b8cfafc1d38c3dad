import type { Attributes, Authorizer, ResolvedRules } from '../../sdk/auth.ts';
import type { User } from '../../sdk/request.ts';
import type { ObjectRule } from './manifest.ts';

/**
 * Allows plugins what the operator granted them at the door. They are users
 * `system:plugin:<name>`; about everybody else it has no opinion.
 */
export class GrantAuthorizer implements Authorizer {
  readonly #rules = new Map<string, readonly ObjectRule[]>();

  set(user: string, rules: readonly ObjectRule[]): void {
    this.#rules.set(user, rules);
  }

  remove(user: string): void {
    this.#rules.delete(user);
  }

  authorize(attributes: Attributes): 'allow' | 'no-opinion' {
    const rules = this.#rules.get(attributes.user.name);
    if (rules === undefined || 'path' in attributes) return 'no-opinion';
    const { verb, group, resource, subresource, name } = attributes;
    const full = subresource ? `${resource}/${subresource}` : resource;
    const allowed = rules.some(
      rule =>
        has(rule.verbs, verb) &&
        has(rule.groups, group) &&
        has(rule.resources, full) &&
        (rule.names === undefined || rule.names.includes(name)),
    );
    return allowed ? 'allow' : 'no-opinion';
  }

  rules(user: User): ResolvedRules {
    const resources = (this.#rules.get(user.name) ?? []).map(({ names = [], ...rule }) => {
      const { verbs, groups: apiGroups, resources } = rule;
      return { verbs, apiGroups, resources, resourceNames: names };
    });
    return { resources, paths: [], incomplete: false };
  }
}

function has(values: readonly string[], value: string): boolean {
  return values.includes(value) || values.includes('*');
}
