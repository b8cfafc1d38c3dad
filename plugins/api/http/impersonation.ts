import {
  type Door,
  internalError,
  type ResourceAttributes,
  serviceAccountGroups,
  serviceAccountOf,
  type User,
} from 'kernetes/sdk';
import type { Request } from './server.ts';

/** What a client wants to be. */
export interface Wish {
  readonly user: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/**
 * Whom a request's `Impersonate-` headers name; undefined: nobody. Every part of it is a resource
 * that the requester needs the verb `impersonate` for. Throws Forbidden.
 */
export async function impersonate(
  request: Request,
  requester: User,
  door: Pick<Door, 'authorize'>,
): Promise<User | undefined> {
  if (!hasWish(request)) return undefined;
  const wish = readWish(request.rawHeaders);
  for (const part of partsOf(wish)) {
    const version = part.group ? 'v1' : '';
    await door.authorize({ user: requester, verb: 'impersonate', version, ...part });
  }
  return become(wish);
}

/** Looked at for every request: most have none. */
function hasWish({ headers }: Request): boolean {
  for (const name in headers) {
    if (name.startsWith(PREFIX)) return true;
  }
  return false;
}

/** From the headers one by one: joined, a comma in a group's name would make two groups of it. */
export function readWish(rawHeaders: readonly string[]): Wish {
  let user = '';
  let uid = '';
  const groups: string[] = [];
  const extra: Record<string, string[]> = Object.create(null);
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const value = rawHeaders[i + 1] ?? '';
    if (name === 'impersonate-user') user ||= value;
    else if (name === 'impersonate-uid') uid ||= value;
    else if (name === 'impersonate-group') groups.push(value);
    else if (name.startsWith(EXTRA_PREFIX)) {
      const key = decodeKey(name.slice(EXTRA_PREFIX.length));
      extra[key] ??= [];
      extra[key].push(value);
    }
  }
  return { user, uid, groups, extra: { ...extra } };
}

type Part = Omit<ResourceAttributes, 'user' | 'verb' | 'version'>;

function partsOf({ user, uid, groups, extra }: Wish): Part[] {
  const account = serviceAccountOf(user);
  const parts: Part[] = [
    ...groups.map(name => part('', 'groups', name)),
    ...Object.entries(extra).flatMap(([subresource, values]) =>
      values.map(name => ({ ...part(AUTHENTICATION, 'userextras', name), subresource })),
    ),
    ...(uid ? [part(AUTHENTICATION, 'uids', uid)] : []),
  ];
  if (!user) {
    const names = parts.map(({ resource, name }) => `${resource} "${name}"`).join(', ');
    throw internalError(`requested [${names}] without impersonating a user`);
  }
  if (account === undefined) return [part('', 'users', user), ...parts];
  const { namespace, name } = account;
  return [{ ...part('', 'serviceaccounts', name), namespace }, ...parts];
}

function part(group: string, resource: string, name: string): Part {
  return { group, resource, subresource: '', namespace: '', name };
}

/** Groups that everybody of the sort is in come by themselves, as if the user had signed in. */
function become({ user, uid, groups: wanted, extra }: Wish): User {
  const account = serviceAccountOf(user);
  const groups =
    account !== undefined && wanted.length === 0
      ? serviceAccountGroups(account.namespace)
      : [...wanted];
  if (user === 'system:anonymous') {
    if (!groups.includes(UNAUTHENTICATED)) groups.push(UNAUTHENTICATED);
  } else if (!groups.includes(AUTHENTICATED) && !groups.includes(UNAUTHENTICATED)) {
    groups.push(AUTHENTICATED);
  }
  return {
    name: user,
    ...(uid && { uid }),
    groups,
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

/** Header names are ASCII without slashes: keys that are not come percent-encoded. */
function decodeKey(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

const PREFIX = 'impersonate-';
const EXTRA_PREFIX = 'impersonate-extra-';
const AUTHENTICATION = 'authentication.k8s.io';
const AUTHENTICATED = 'system:authenticated';
const UNAUTHENTICATED = 'system:unauthenticated';
