import type { Clock } from './clock.ts';
import { createEventRecorder } from './event-recorder.ts';
import type { Disposer } from './extension.ts';
import { type ElectionLine, LeaderElection } from './leader-election.ts';
import {
  type ElectionSettings,
  type Leadership,
  type LeadershipFollower,
  leaseNameOf,
} from './leadership.ts';
import type { KernelLink } from './link.ts';
import { createLogger } from './link-logger.ts';
import { createObjectClient } from './object-client.ts';
import type { Random } from './random.ts';
import type { Fence } from './request.ts';
import { ApiError } from './status.ts';

/** Who wants to be elected. */
export interface Candidate {
  readonly plugin: string;
  readonly leader: true | string;
  readonly link: KernelLink;
}

export interface SharedElectionsOptions {
  readonly settings: ElectionSettings;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * The elections of one thread. Plugins that name the same Lease are elected together, over the line
 * of one of them: the first that is allowed to.
 */
export class SharedElections {
  readonly #options: SharedElectionsOptions;
  readonly #elections = new Map<string, SharedElection>();

  constructor(options: SharedElectionsOptions) {
    this.#options = options;
  }

  /** Takes part from `join` on, or from the first time that somebody asks whether it leads. */
  candidacy(candidate: Candidate): Candidacy {
    const name = leaseNameOf(candidate.plugin, candidate.leader);
    return new Candidacy(candidate, () => {
      let election = this.#elections.get(name);
      if (election === undefined) {
        const onUnused = () => this.#elections.delete(name);
        election = new SharedElection(name, { ...this.#options, onUnused });
        this.#elections.set(name, election);
      }
      return election;
    });
  }
}

/** One plugin's part in an election. */
export class Candidacy implements Leadership {
  readonly candidate: Candidate;
  readonly #open: () => SharedElection;
  readonly #followers = new Set<LeadershipFollower>();
  #election: SharedElection | undefined;
  /** What the election says. */
  #elected: Fence | undefined;
  /** What the plugin acts under. */
  #term: Fence | undefined;
  /** What was begun under the last term is not done yet. */
  #isEnding = false;
  #hasLeft = false;

  constructor(candidate: Candidate, open: () => SharedElection) {
    this.candidate = candidate;
    this.#open = open;
  }

  get isLeader(): boolean {
    this.join();
    return this.#term !== undefined;
  }

  follow(follower: LeadershipFollower): Disposer {
    this.join();
    // The same may follow twice.
    const own = { ...bound(follower) };
    this.#followers.add(own);
    if (this.#term) own.begin();
    return () => void this.#followers.delete(own);
  }

  /** What a write of the plugin carries; throws Conflict while it does not lead. */
  fence(): Fence {
    this.join();
    if (this.#term) return this.#term;
    const { plugin } = this.candidate;
    const message = `Operation cannot be fulfilled: plugin "${plugin}" is not the leader`;
    throw new ApiError({ message, reason: 'Conflict', code: 409 });
  }

  /** For the election. */
  elected(term: Fence | undefined): void {
    this.#elected = term;
    if (this.#term === undefined) this.#begin();
    else if (term && isSameTerm(term, this.#term)) this.#term = term;
    else void this.#end();
  }

  /** Idempotent. Who was the last gives the lease back. */
  async leave(): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#elected = undefined;
    this.#term = undefined;
    this.#followers.clear();
    await this.#election?.leave(this);
  }

  /** Takes part from now on. Idempotent. */
  join(): void {
    if (this.#election || this.#hasLeft) return;
    this.#election = this.#open();
    this.#election.join(this);
  }

  #begin(): void {
    if (this.#isEnding || this.#elected === undefined) return;
    this.#term = this.#elected;
    for (const follower of [...this.#followers]) follower.begin();
  }

  async #end(): Promise<void> {
    this.#term = undefined;
    this.#isEnding = true;
    const ends = [...this.#followers].map(async follower => follower.end?.());
    for (const result of await Promise.allSettled(ends)) {
      if (result.status === 'fulfilled') continue;
      const { link } = this.candidate;
      link.log('error', 'Cannot stop what a leader does', { error: result.reason });
    }
    this.#isEnding = false;
    this.#begin();
  }
}

interface SharedElectionOptions extends SharedElectionsOptions {
  /** The last member is gone. */
  readonly onUnused: () => void;
}

class SharedElection {
  readonly #name: string;
  readonly #options: SharedElectionOptions;
  readonly #election: LeaderElection;
  /** The first one's line is used. */
  #members: Candidacy[] = [];
  #lines = new Map<Candidacy, ElectionLine>();
  #term: Fence | undefined;

  constructor(name: string, options: SharedElectionOptions) {
    this.#name = name;
    this.#options = options;
    this.#election = new LeaderElection({
      ...options,
      name,
      line: () => this.#line(),
      // The one that was refused comes last.
      onForbidden: () => void this.#members.push(...this.#members.splice(0, 1)),
      onChange: term => {
        this.#term = term;
        for (const member of [...this.#members]) member.elected(term);
      },
    });
  }

  join(member: Candidacy): void {
    this.#members.push(member);
    if (this.#members.length === 1) this.#election.start();
    member.elected(this.#term);
  }

  async leave(member: Candidacy): Promise<void> {
    const isUsed = this.#members[0] === member;
    if (this.#members.length === 1) {
      this.#options.onUnused();
      await this.#election.stop();
    }
    this.#members = this.#members.filter(each => each !== member);
    this.#lines.delete(member);
    if (isUsed && this.#members.length > 0) this.#election.start();
  }

  #line(): ElectionLine | undefined {
    const [member] = this.#members;
    if (member === undefined) return undefined;
    let line = this.#lines.get(member);
    if (line === undefined) {
      line = openLine(member.candidate, { ...this.#options, component: this.#name });
      this.#lines.set(member, line);
    }
    return line;
  }
}

function openLine(
  { link }: Candidate,
  { clock, random, component }: SharedElectionsOptions & { readonly component: string },
): ElectionLine {
  const objects = createObjectClient(link);
  const log = createLogger(link);
  const events = createEventRecorder({ objects, clock, random, log, component });
  return { link, objects, events, log };
}

function bound(follower: LeadershipFollower): LeadershipFollower {
  return { begin: () => follower.begin(), end: () => follower.end?.() };
}

function isSameTerm(one: Fence, other: Fence): boolean {
  if (one.uid !== other.uid) return false;
  return Object.entries(one.fields).every(([path, value]) => other.fields[path] === value);
}
