import { definePoint } from './extension.ts';
import type { Kind } from './kind.ts';
import type { Verb } from './request.ts';

/**
 * A kind that is served, in its preferred version, as plain data: for plugins that work on all
 * kinds there are, built-in or not, wherever they run. The kernel contributes one for each stored
 * resource; a kind that is served under two groups is told once.
 */
export interface ServedKind extends Kind {
  readonly verbs: readonly Verb[];
  /** Its objects go by themselves after a while: nobody need clean up after them. */
  readonly expires: boolean;
}

export const servedKindPoint = definePoint<ServedKind>({
  name: 'servedKind',
  combine: 'unique',
  methods: [],
});

/** What a kind that names no verbs can do. */
export const ALL_VERBS: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];
