import type { Disposer } from './extension.ts';

/**
 * Whether a plugin may act: of several processes on one database one does. A plugin that says
 * `leader` (see `PluginDefinition`) is elected by a Lease; every other one may act always, and so may
 * all where the operator wants no elections.
 *
 * `runQueue`, and so every controller, heeds it: until it is elected a plugin's informers are kept
 * and its queues rest. Other plugins follow it by themselves, or are `absent` until then.
 *
 * A lease alone excludes nothing: a process that is stopped, or starved, believes in its own for some
 * time after it has run out and was taken by another. So every write of an elected plugin carries the
 * lease (`ObjectRequest.fence`), whoever makes it and from where, and is refused with a Conflict at
 * its commit when the lease is another's; one that is made while the plugin does not lead is refused
 * before it is sent. Reads are not fenced, and the event recorder is not.
 */
export interface Leadership {
  readonly isLeader: boolean;
  /**
   * Tells when the plugin may act, at once if it may now, and when it may no more. Disposed with the
   * plugin; a leader that is unloaded is told no end.
   */
  follow(follower: LeadershipFollower): Disposer;
}

export interface LeadershipFollower {
  /** Act from now on: on what there is now, for another may have acted meanwhile. */
  begin(): void;
  /**
   * Begin nothing new. It is not begun again before what this returns has settled, so that nothing
   * that was begun as an earlier leader goes on under the later one's lease.
   */
  end?(): void | Promise<void>;
}

/** Of who needs no election. */
export const ALWAYS_LEADING: Leadership = {
  isLeader: true,
  follow(follower) {
    follower.begin();
    return () => {};
  },
};

/** How elections go: client-go's parameters. */
export interface ElectionSettings {
  /** Who this process is; no other that runs, or ran, is the same. Its threads share it. */
  readonly identity: string;
  /** A lease that was not renewed for so long, by one's own clock, may be taken. */
  readonly leaseDurationMs: number;
  /** Who could not renew its lease for so long leads no more. Shorter than the lease. */
  readonly renewDeadlineMs: number;
  /** Between renewals. */
  readonly retryPeriodMs: number;
}

/** kube-controller-manager's own. */
export const ELECTION_TIMES = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
} as const;

/** The Lease of a plugin that says `leader`. */
export function leaseNameOf(plugin: string, leader: true | string): string {
  return leader === true ? plugin : leader;
}

/** Where the Leases of elections are, as upstream's. */
export const ELECTION_NAMESPACE = 'kube-system';

/** What a plugin must be allowed to be elected by the Lease of that name, as its manifest asks it. */
export function electionRules(lease: string) {
  const leases = { groups: ['coordination.k8s.io'], resources: ['leases'] };
  return [
    { ...leases, verbs: ['get', 'list', 'watch', 'update'], names: [lease] },
    { ...leases, verbs: ['create'] },
    { groups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ];
}
