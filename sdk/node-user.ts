import type { User } from './request.ts';

/** The node whose kubelet a user is. Undefined: it is none. Empty: one without a name. */
export function nodeOfUser({ name, groups }: User): string | undefined {
  if (!name.startsWith(PREFIX) || !groups.includes('system:nodes')) return undefined;
  return name.slice(PREFIX.length);
}

/** The user that a node's kubelet is: `system:node:<name>`. */
export function nodeUser(node: string): string {
  return PREFIX + node;
}

const PREFIX = 'system:node:';
