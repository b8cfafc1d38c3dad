import type { Attributes, Authorizer, ResolvedRules } from '../../sdk/auth.ts';
import type { User } from '../../sdk/request.ts';
import { pluginUser } from '../plugin-link.ts';
import type { ObjectRule } from './manifest.ts';

/**
 * Allows plugins what the operator granted them at the door; about everybody else it has no
 * opinion. A plugin is known by the very object that its link asks with, never by the name in it:
 * a certificate, a token file or an impersonation can say any name.
 */
export class GrantAuthorizer implements Authorizer {
  readonly #users = new Map<string, User>();
  readonly #rules = new WeakMap<User, readonly ObjectRule[]>();

  /** As whom the plugin's link asks. */
  userOf(plugin: string): User {
    let user = this.#users.get(plugin);
    if (user === undefined) {
      user = pluginUser(plugin);
      this.#users.set(plugin, user);
    }
    return user;
  }

  set(plugin: string, rules: readonly ObjectRule[]): void {
    this.#rules.set(this.userOf(plugin), rules);
  }

  authorize(attributes: Attributes): 'allow' | 'no-opinion' {
    const rules = this.#rules.get(attributes.user);
    if (rules === undefined || 'path' in attributes) return 'no-opinion';
    const { verb, group, resource, subresource, name } = attributes;
    const full = subresource ? `${resource}/${subresource}` : resource;
    const ofAny = `*/${subresource}`;
    const allowed = rules.some(
      rule =>
        has(rule.verbs, verb) &&
        has(rule.groups, group) &&
        (has(rule.resources, full) || rule.resources.includes(ofAny)) &&
        (rule.names === undefined || rule.names.includes(name)),
    );
    return allowed ? 'allow' : 'no-opinion';
  }

  rules(user: User): ResolvedRules {
    const resources = (this.#rules.get(user) ?? []).map(({ names = [], ...rule }) => {
      const { verbs, groups: apiGroups, resources } = rule;
      return { verbs, apiGroups, resources, resourceNames: names };
    });
    return { resources, paths: [], incomplete: false };
  }
}

function has(values: readonly string[], value: string): boolean {
  return values.includes(value) || values.includes('*');
}
