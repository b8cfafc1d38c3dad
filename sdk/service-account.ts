import type { ObjectKey } from './kind.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from './names.ts';

/** The user that a service account is: `system:serviceaccount:<namespace>:<name>`. */
export function serviceAccountUser(namespace: string, name: string): string {
  return `${PREFIX}${namespace}:${name}`;
}

/** The service account that a user is; undefined: it is none. */
export function serviceAccountOf(user: string): Required<ObjectKey> | undefined {
  if (!user.startsWith(PREFIX)) return undefined;
  const [namespace = '', name = '', ...more] = user.slice(PREFIX.length).split(':');
  if (more.length > 0 || dns1123LabelErrors(namespace) || dns1123SubdomainErrors(name)) {
    return undefined;
  }
  return { namespace, name };
}

/** The groups that every service account of a namespace is in, beside `system:authenticated`. */
export function serviceAccountGroups(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}

const PREFIX = 'system:serviceaccount:';
