import { Lease } from './api/types-coordination-v1.ts';
import { Backoff } from './backoff.ts';
import { type Clock, type Timer, toMicroTime } from './clock.ts';
import type { EventRecorder } from './events.ts';
import { ELECTION_NAMESPACE, type ElectionSettings } from './leadership.ts';
import type { KernelLink } from './link.ts';
import type { Logger } from './logger.ts';
import type { ObjectClient } from './objects.ts';
import type { Random } from './random.ts';
import { Reflector } from './reflector.ts';
import type { Fence } from './request.ts';
import { ApiError } from './status.ts';

/** The line that an election goes over, and what belongs to it. */
export interface ElectionLine {
  readonly link: KernelLink;
  /** Not fenced. */
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
  readonly log: Logger;
}

export interface LeaderElectionOptions {
  /** Of the Lease. */
  readonly name: string;
  readonly settings: ElectionSettings;
  readonly clock: Clock;
  readonly random: Random;
  /** Asked before each request. Undefined: there is none now; `start` is called again later. */
  readonly line: () => ElectionLine | undefined;
  /** The line was refused what it asked: another may be allowed it. */
  readonly onForbidden: () => void;
  /** The term that this process leads in, anew after every renewal; undefined: it does not lead. */
  readonly onChange: (term: Fence | undefined) => void;
}

/**
 * client-go's election on a Lease: who wrote it last holds it while it renews it; each write is a
 * compare-and-swap, so of several one wins. How old a lease is, is judged by the time since it was
 * last seen to change, on this machine's monotonic clock, never by the times in it: clocks differ.
 *
 * Unlike client-go's, candidates do not poll: they watch the Lease, and so learn at once that it was
 * given back. Threads of one process have one identity and so lead together: each takes a renewal by
 * another for its own, so that one of them writes.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #reflector: Reflector<Lease>;
  readonly #backoff: Backoff;
  /** As last seen; undefined: there is none. */
  #lease: Lease | undefined;
  #isListed = false;
  /** When the Lease was last seen to change. */
  #seenAt = 0;
  /** When it last was certainly ours. */
  #renewedAt = 0;
  /** No attempt before: the last one failed. */
  #restUntil = 0;
  #term: Fence | undefined;
  #attempt: Promise<void> | undefined;
  #attemptedAt: number | undefined;
  /** The attempt is to have what is not ours. */
  #acquires = false;
  #tells = false;
  #next: Timer | undefined;
  #deadline: Timer | undefined;
  #isStopped = true;

  constructor(options: LeaderElectionOptions) {
    const { name, clock, random, settings } = options;
    this.#options = options;
    this.#backoff = new Backoff(random, { firstMs: RETRY_FIRST_MS, maxMs: settings.retryPeriodMs });
    const { group, version, resource } = Lease;
    this.#reflector = new Reflector<Lease>({
      request: { group, version, resource, namespace: ELECTION_NAMESPACE, name },
      clock,
      random,
      link: () => options.line()?.link,
      sink: {
        // What comes late, after a pause perhaps, may be what was asked for long ago.
        set: lease => this.#seen(lease, this.#attemptedAt ?? clock.monotonic()),
        delete: () => this.#gone(),
        listed: keys => {
          this.#isListed = true;
          if (keys.size === 0) this.#gone();
          else this.#consider();
        },
        onEnd: error => this.#failed('Cannot watch the lease', error),
        onError: error => this.#failed('Cannot use an event of the lease', error),
      },
    });
  }

  /** Begins, or goes on over the line that there is now. */
  start(): void {
    this.#isStopped = false;
    this.#reflector.start();
  }

  /** Leads no more; a lease that is held is given back, so that the next need not wait. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#reflector.stop();
    this.#next?.cancel();
    await this.#attempt;
    const isHeld = this.#term !== undefined;
    this.#lose();
    if (isHeld) await this.#release();
  }

  /** Of an older state nothing is learned. */
  #seen(lease: Lease, at: number): void {
    if (this.#lease && revisionOf(lease) <= revisionOf(this.#lease)) return;
    this.#lease = lease;
    this.#seenAt = this.#options.clock.monotonic();
    if (this.#isOurs(lease)) this.#renewed(lease, at);
    else this.#lose();
    this.#consider();
  }

  #gone(): void {
    this.#lease = undefined;
    this.#lose();
    this.#consider();
  }

  #isOurs({ spec }: Lease): boolean {
    return spec?.holderIdentity === this.#options.settings.identity;
  }

  /** It was ours at `at`. */
  #renewed(lease: Lease, at: number): void {
    const { clock, settings, onChange } = this.#options;
    this.#renewedAt = at;
    this.#deadline?.cancel();
    const left = at + settings.renewDeadlineMs - clock.monotonic();
    if (this.#isStopped) return;
    // The answer took longer than a leader may go without one.
    if (left <= 0) {
      this.#lose();
      return;
    }
    this.#deadline = clock.setTimeout(() => this.#lose(), left);
    const isNew = this.#term === undefined;
    this.#term = termOf(lease);
    onChange(this.#term);
    // Of the threads of a process the one that acquired the lease tells.
    this.#tells ||= this.#acquires;
    if (isNew && this.#tells) this.#tell(lease, 'became leader');
  }

  #lose(): void {
    this.#deadline?.cancel();
    if (this.#term === undefined) return;
    this.#term = undefined;
    this.#options.onChange(undefined);
    if (this.#lease && this.#tells) this.#tell(this.#lease, 'stopped leading');
    this.#tells = false;
  }

  #tell(lease: Lease, what: string): void {
    const { name, settings, line } = this.#options;
    const about = { ...lease, apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
    const message = `${settings.identity} ${what}`;
    line()?.events.event(about, 'Normal', 'LeaderElection', message, { component: name });
    line()?.log.info('Leader election', { lease: name, identity: settings.identity, what });
  }

  /** Attempts to have the lease, now or when it is time. */
  #consider(): void {
    if (this.#isStopped || !this.#isListed || this.#attempt) return;
    const { clock, line } = this.#options;
    if (line() === undefined) return;
    this.#next?.cancel();
    const wait = Math.ceil(Math.max(this.#dueAt(), this.#restUntil) - clock.monotonic());
    if (wait > 0) this.#next = clock.setTimeout(() => this.#consider(), wait);
    else this.#attempt = this.#try();
  }

  #dueAt(): number {
    const { settings, random } = this.#options;
    if (this.#lease === undefined) return 0;
    const { holderIdentity, leaseDurationSeconds = 0 } = this.#lease.spec ?? {};
    if (!holderIdentity) return 0;
    if (!this.#isOurs(this.#lease)) return this.#seenAt + leaseDurationSeconds * 1_000;
    // By chance, so that of several threads one is first.
    return this.#renewedAt + settings.retryPeriodMs * (1 - random.next() * RENEWAL_JITTER);
  }

  async #try(): Promise<void> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    this.#attemptedAt = began;
    this.#acquires = this.#lease === undefined || !this.#isOurs(this.#lease);
    try {
      const lease = await this.#acquire();
      this.#backoff.reset();
      if (lease) this.#seen(lease, began);
    } catch (error) {
      this.#failed('Cannot acquire or renew the lease', error);
      this.#restUntil = clock.monotonic() + this.#backoff.nextMs();
      if (isRace(error)) await this.#look();
    } finally {
      this.#attempt = undefined;
      this.#attemptedAt = undefined;
      this.#acquires = false;
    }
    this.#consider();
  }

  #acquire(): Promise<Lease> | undefined {
    const objects = this.#options.line()?.objects;
    const lease = this.#lease;
    if (lease === undefined) {
      const metadata = { namespace: ELECTION_NAMESPACE, name: this.#options.name };
      return objects?.create(Lease, { metadata, spec: this.#heldSpec() });
    }
    const spec = { ...lease.spec, ...this.#heldSpec(lease) };
    return objects?.update(Lease, { ...lease, spec });
  }

  #heldSpec(lease?: Lease) {
    const { clock, settings } = this.#options;
    const { acquireTime, leaseTransitions = 0 } = lease?.spec ?? {};
    const isOurs = lease !== undefined && this.#isOurs(lease);
    const renewTime = toMicroTime(clock.now());
    return {
      holderIdentity: settings.identity,
      leaseDurationSeconds: Math.ceil(settings.leaseDurationMs / 1_000),
      acquireTime: (isOurs && acquireTime) || renewTime,
      renewTime,
      leaseTransitions: lease === undefined || isOurs ? leaseTransitions : leaseTransitions + 1,
    };
  }

  /** Somebody else was quicker: the watch says so too, but perhaps not now. */
  async #look(): Promise<void> {
    const { name, clock, line } = this.#options;
    const began = clock.monotonic();
    try {
      const found = await line()?.objects.get(Lease, { namespace: ELECTION_NAMESPACE, name });
      if (found) this.#seen(found, began);
    } catch (error) {
      if (ApiError.is(error, 'NotFound')) this.#gone();
      else this.#failed('Cannot read the lease', error);
    }
  }

  async #release(): Promise<void> {
    const { clock, line } = this.#options;
    const lease = this.#lease;
    const objects = line()?.objects;
    if (lease === undefined || objects === undefined) return;
    const now = toMicroTime(clock.now());
    const times = { acquireTime: now, renewTime: now, leaseDurationSeconds: 1 };
    const spec = { ...lease.spec, ...times, holderIdentity: '' };
    try {
      await objects.update(Lease, { ...lease, spec });
    } catch (error) {
      // It runs out by itself.
      this.#failed('Cannot give the lease back', error);
    }
  }

  #failed(message: string, error: unknown): void {
    const { name, line, onForbidden } = this.#options;
    const level = isRace(error) || ApiError.is(error, 'NotFound') ? 'debug' : 'warn';
    line()?.log[level](message, { lease: name, error });
    if (ApiError.is(error, 'Forbidden')) onForbidden();
  }
}

/** While these are the same, nobody else has held the lease. */
function termOf({ metadata, spec = {} }: Lease): Fence {
  const { group, version, resource } = Lease;
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = metadata;
  const { holderIdentity = '', leaseTransitions = 0 } = spec;
  const fields = {
    'spec.holderIdentity': holderIdentity,
    'spec.leaseTransitions': leaseTransitions,
  };
  return { group, version, resource, namespace, name, uid, resourceVersion, fields };
}

function revisionOf({ metadata }: Lease): number {
  return Number(metadata.resourceVersion);
}

function isRace(error: unknown): boolean {
  return ApiError.is(error, 'Conflict') || ApiError.is(error, 'AlreadyExists');
}

/** At the start of a cluster its namespaces are there within this. */
const RETRY_FIRST_MS = 50;
const RENEWAL_JITTER = 0.2;
