import { type Clock, isRefusal, type NodeState, type PodInfo, type Verdict } from 'kernetes/sdk';
import { BIND_BATCH_MAX, BIND_MS_MAX, LATE_POINT_MS_MAX } from '../limits.ts';
import { type EnabledPlugin, PluginFailure, type Profile } from '../profile/profile.ts';
import { RemoteCalls } from '../remote/calls.ts';
import { Binding, Cancelled } from './binding.ts';
import { withDeadline } from './deadline.ts';
import { PermitWaits, type Wait } from './permit-waits.ts';

/**
 * From the choice of a node to the bound pod: reserve, permit, preBind, bind, postBind. Reserve of
 * local plugins runs at once, the rest off the scheduling path. Pods without a plugin that wants a
 * word before the binding (nearly all) go straight into the next batch.
 */
export class BindingCycle {
  readonly #clock: Clock;
  readonly #outcome: BindingOutcome;
  readonly #elsewhere: RemoteCalls;
  readonly #waits: PermitWaits;
  /** Between the choice of their node and their batch, by pod. */
  readonly #preparing = new Map<string, Binding>();
  readonly #ready = new Map<Profile, Binding[]>();
  /** Plugins that may be waited for. Undefined: all. */
  #present: ReadonlySet<string> | undefined;
  #inFlight = 0;
  #stopped = false;

  constructor(clock: Clock, outcome: BindingOutcome) {
    this.#clock = clock;
    this.#outcome = outcome;
    this.#elsewhere = new RemoteCalls(clock);
    this.#waits = new PermitWaits(clock);
  }

  /** Pods begun and neither bound, failed nor waiting for a permit. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes over a pod that is assumed on `node`. The contexts are those of its scheduling cycle. */
  begin(pod: PodInfo, node: NodeState, profile: Profile): void {
    this.#inFlight++;
    const binding = new Binding(pod, node, profile);
    if (binding.isPlain) this.#enqueue(binding);
    else void this.#prepare(binding);
  }

  /** Sends what is ready. */
  flush(): void {
    if (this.#stopped) return;
    for (const [profile, batch] of this.#ready) {
      this.#ready.delete(profile);
      void this.#bind(profile, batch);
    }
  }

  /** Ends what comes before the binding of this pod: it is gone. */
  cancel(key: string, why: string): void {
    this.#preparing.get(key)?.cancel(new Cancelled(`pod ${why}`));
  }

  /** Ends the wait of a pod that permits hold. False: none does. */
  reject({ key, uid }: PodInfo): boolean {
    const binding = this.#preparing.get(key);
    if (binding?.pod.uid !== uid || binding.waitsFor.size === 0) return false;
    binding.cancel(new Cancelled('preempted'));
    return true;
  }

  /** Pods that wait for the permit of others wait for nobody. */
  keepWaitingFor(names: ReadonlySet<string>): void {
    this.#present = names;
    for (const binding of this.#preparing.values()) {
      for (const name of binding.waitsFor) if (!names.has(name)) binding.cancel(gone(name));
    }
  }

  /** What has not been sent is given up, without a word about it. */
  stop(): void {
    this.#stopped = true;
    for (const binding of this.#preparing.values()) {
      binding.cancel(new Cancelled('the scheduler stopped'));
    }
  }

  #enqueue(binding: Binding): void {
    const { profile } = binding;
    const batch = this.#ready.get(profile);
    if (batch) batch.push(binding);
    else this.#ready.set(profile, [binding]);
    if (batch && batch.length >= BIND_BATCH_MAX) this.flush();
  }

  async #prepare(binding: Binding): Promise<void> {
    const { key } = binding.pod;
    this.#preparing.set(key, binding);
    const refused = await this.#passPoints(binding);
    if (this.#preparing.get(key) === binding) this.#preparing.delete(key);
    if (refused) {
      this.#fail(binding, refused.plugin, refused.why);
    } else if (!this.#stopped) {
      this.#enqueue(binding);
      queueMicrotask(() => this.flush());
    }
  }

  async #passPoints(binding: Binding): Promise<NotPassed | undefined> {
    const { reserves, preBinds } = binding;
    try {
      // The local ones run before the first await: the next cycle sees what they set aside.
      for (const remote of [false, true]) {
        for (const enabled of reserves) {
          if (enabled.remote !== remote) continue;
          binding.reserved.push(enabled);
          const outcome = remote
            ? await this.#call(binding, enabled, 'reserve')
            : this.#callNow(binding, enabled, 'reserve');
          if (isRefusal(outcome)) return { plugin: enabled.name, why: outcome };
        }
      }
      const unpermitted = await this.#permit(binding);
      if (unpermitted) return unpermitted;
      for (const enabled of preBinds) {
        const outcome = await this.#call(binding, enabled, 'preBind');
        if (isRefusal(outcome)) return { plugin: enabled.name, why: outcome };
      }
    } catch (error) {
      return { plugin: undefined, why: asError(error) };
    }
    return undefined;
  }

  /** All are asked before anything is waited for: others may wait for the same. */
  async #permit(binding: Binding): Promise<NotPassed | undefined> {
    const waits: Wait[] = [];
    for (const enabled of binding.permits) {
      const outcome = await this.#call(binding, enabled, 'permit');
      if (isRefusal(outcome)) return { plugin: enabled.name, why: outcome };
      if (outcome?.code === 'wait') waits.push({ ...outcome, plugin: enabled.name });
    }
    if (waits.length === 0) return undefined;
    // It may have gone while others were asked.
    const absent = waits.find(({ plugin }) => this.#present?.has(plugin) === false);
    if (absent) throw gone(absent.plugin);
    // Who waits is not sent to the server: others may go on in its place.
    this.#inFlight--;
    try {
      return await this.#waits.all(binding, waits);
    } finally {
      this.#inFlight++;
    }
  }

  async #bind(profile: Profile, batch: readonly Binding[]): Promise<void> {
    let open = batch.filter(binding => this.#isBindable(binding));
    for (const enabled of profile.binders) {
      if (open.length === 0) return;
      const verdicts = await this.#bindBy(enabled, open);
      const skipped: Binding[] = [];
      for (let i = 0; i < open.length; i++) {
        const binding = open[i] as Binding;
        const outcome = verdicts instanceof PluginFailure ? verdicts : verdicts[i];
        if (outcome instanceof PluginFailure) this.#fail(binding, undefined, outcome);
        else if (outcome?.code === 'skip') skipped.push(binding);
        else if (isRefusal(outcome)) this.#fail(binding, undefined, outcome);
        else if (isBound(outcome)) this.#bound(binding);
        else this.#fail(binding, undefined, noAnswer(enabled));
      }
      open = skipped;
    }
    for (const binding of open)
      this.#fail(binding, undefined, new Error('no plugin binds the pod'));
  }

  /** Its node may have gone since it was chosen. */
  #isBindable(binding: Binding): boolean {
    const { node } = binding;
    if (this.#outcome.isThere(node)) return true;
    this.#fail(binding, undefined, new Error(`node "${node.name}" is gone`));
    return false;
  }

  async #bindBy(
    enabled: EnabledPlugin,
    batch: readonly Binding[],
  ): Promise<readonly (Verdict | undefined)[] | PluginFailure> {
    const { name, plugin, context, remote } = enabled;
    const requests = batch.map(({ pod, node }) => ({ pod, nodeName: node.name }));
    try {
      const answer = remote
        ? this.#elsewhere.bind(enabled, requests)
        : plugin.bind?.(requests, context.config);
      const late = withDeadline(this.#clock, BIND_MS_MAX, Promise.resolve(answer));
      const verdicts = (await late) ?? [];
      if (!Array.isArray(verdicts)) throw new Error('bind gave no list of answers');
      if (verdicts.length === batch.length) return verdicts;
      throw new Error(`bind gave ${verdicts.length} answers, want ${batch.length}`);
    } catch (error) {
      return new PluginFailure(name, error);
    }
  }

  #bound(binding: Binding): void {
    this.#inFlight--;
    this.#outcome.bound(binding.pod, binding.node.name);
    for (const enabled of binding.postBinds) {
      this.#call(binding, enabled, 'postBind').catch((error: unknown) => {
        if (error instanceof PluginFailure) this.#outcome.ignored(error, binding.pod);
      });
    }
  }

  #fail(binding: Binding, plugin: string | undefined, why: Verdict | Error): void {
    this.#inFlight--;
    for (const enabled of binding.reserved.reverse()) {
      this.#call(binding, enabled, 'unreserve').catch((error: unknown) => {
        if (error instanceof PluginFailure) this.#outcome.ignored(error, binding.pod);
      });
    }
    if (!this.#stopped) this.#outcome.failed(binding.pod, binding.node, why, plugin);
  }

  #callNow(binding: Binding, enabled: EnabledPlugin, point: 'reserve'): Verdict | undefined {
    try {
      return enabled.plugin[point]?.(binding.contextOf(enabled));
    } catch (error) {
      return this.#tolerate(binding, enabled, error);
    }
  }

  async #call(
    binding: Binding,
    enabled: EnabledPlugin,
    point: LatePoint,
  ): Promise<Verdict | undefined> {
    try {
      if (!enabled.remote) {
        const said = enabled.plugin[point]?.(binding.contextOf(enabled));
        if (!(said instanceof Promise)) return said ?? undefined;
        const answer = withDeadline(this.#clock, LATE_POINT_MS_MAX, said as Promise<Verdict>);
        return (await cancellable(binding, point, answer)) ?? undefined;
      }
      return await cancellable(binding, point, this.#elsewhere.call(enabled, point, binding));
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      return this.#tolerate(binding, enabled, error);
    }
  }

  #tolerate(binding: Binding, enabled: EnabledPlugin, error: unknown): undefined {
    const failure = new PluginFailure(enabled.name, error);
    if (!enabled.ignoresFailure) throw failure;
    this.#outcome.ignored(failure, binding.pod);
    return undefined;
  }
}

/** Called once for each pod that was begun (`ignored`: any number of times). */
export interface BindingOutcome {
  bound(pod: PodInfo, nodeName: string): void;
  /** `why`: a Refusal (of `plugin`, if that is not the binder) or an error. */
  failed(pod: PodInfo, node: NodeState, why: Verdict | Error, plugin: string | undefined): void;
  ignored(failure: PluginFailure, pod: PodInfo): void;
  isThere(node: NodeState): boolean;
}

interface NotPassed {
  /** Who refused; undefined: something went wrong. */
  readonly plugin: string | undefined;
  readonly why: Verdict | Error;
}

type LatePoint = 'reserve' | 'unreserve' | 'permit' | 'preBind' | 'postBind';

/** What follows the binding, or its end, is done also for a pod that is gone. */
function cancellable<T>(binding: Binding, point: LatePoint, answer: Promise<T>): Promise<T> {
  const isEnd = point === 'postBind' || point === 'unreserve';
  return isEnd ? answer : binding.unlessCancelled(answer);
}

function gone(plugin: string): Cancelled {
  return new Cancelled(`permit of plugin "${plugin}": it is gone`);
}

function isBound(outcome: Verdict | undefined): boolean {
  return outcome === undefined || outcome === null || outcome.code === 'success';
}

function noAnswer({ name }: EnabledPlugin): PluginFailure {
  return new PluginFailure(name, new Error('bind gave an answer that is none'));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}
