import {
  type Clock,
  isRefusal,
  type NodeContext,
  type NodeState,
  type PodInfo,
  type Verdict,
} from 'kernetes/sdk';
import { withDeadline } from './deadline.ts';
import { BIND_BATCH_MAX } from './limits.ts';
import { type EnabledPlugin, PluginFailure, type Profile } from './profile.ts';
import { RemoteCalls } from './remote-calls.ts';

/**
 * From the choice of a node to the bound pod: reserve, permit, preBind, bind, postBind. Reserve of
 * local plugins runs at once, the rest off the scheduling path. Pods without a plugin that wants a
 * word before the binding (nearly all) go straight into the next batch.
 */
export class BindingCycle {
  readonly #clock: Clock;
  readonly #outcome: BindingOutcome;
  readonly #elsewhere: RemoteCalls;
  #ready: Binding[] = [];
  #inFlight = 0;

  constructor(clock: Clock, outcome: BindingOutcome) {
    this.#clock = clock;
    this.#outcome = outcome;
    this.#elsewhere = new RemoteCalls(clock);
  }

  /** Pods begun and neither bound nor failed. */
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
    const batch = this.#ready;
    if (batch.length === 0) return;
    this.#ready = [];
    void this.#bind(batch);
  }

  #enqueue(binding: Binding): void {
    this.#ready.push(binding);
    if (this.#ready.length >= BIND_BATCH_MAX) this.flush();
  }

  async #prepare(binding: Binding): Promise<void> {
    const { reserves, permits, preBinds } = binding;
    try {
      // The local ones run before the first await: the next cycle sees what they set aside.
      for (const remote of [false, true]) {
        for (const enabled of reserves) {
          if (enabled.remote !== remote) continue;
          binding.reserved.push(enabled);
          const outcome = remote
            ? await this.#call(binding, enabled, 'reserve')
            : this.#callNow(binding, enabled, 'reserve');
          if (isRefusal(outcome)) return this.#fail(binding, enabled.name, outcome);
        }
      }
      for (const enabled of permits) {
        const outcome = await this.#permit(binding, enabled);
        if (isRefusal(outcome)) return this.#fail(binding, enabled.name, outcome);
      }
      for (const enabled of preBinds) {
        const outcome = await this.#call(binding, enabled, 'preBind');
        if (isRefusal(outcome)) return this.#fail(binding, enabled.name, outcome);
      }
    } catch (error) {
      return this.#fail(binding, undefined, asError(error));
    }
    this.#enqueue(binding);
    queueMicrotask(() => this.flush());
  }

  async #permit(binding: Binding, enabled: EnabledPlugin): Promise<Verdict | undefined> {
    const outcome = await this.#call(binding, enabled, 'permit');
    if (outcome?.code !== 'wait') return outcome;
    try {
      return await withDeadline(this.#clock, outcome.timeoutMs, outcome.until);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { code: 'unschedulable', reasons: [`permit of "${enabled.name}": ${text}`] };
    }
  }

  async #bind(batch: readonly Binding[]): Promise<void> {
    const { profile } = batch[0] as Binding;
    let open = batch;
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
        else this.#bound(binding);
      }
      open = skipped;
    }
    for (const binding of open)
      this.#fail(binding, undefined, new Error('no plugin binds the pod'));
  }

  async #bindBy(
    enabled: EnabledPlugin,
    batch: readonly Binding[],
  ): Promise<readonly (Verdict | undefined)[] | PluginFailure> {
    const { name, plugin, contribution, remote } = enabled;
    const requests = batch.map(({ pod, node }) => ({ pod, nodeName: node.name }));
    try {
      const answer = remote
        ? this.#elsewhere.bind(enabled, requests)
        : plugin.bind?.(requests, contribution.options);
      const verdicts = (await answer) ?? [];
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
      if (!enabled.points.has('reserve')) continue;
      this.#call(binding, enabled, 'unreserve').catch((error: unknown) => {
        if (error instanceof PluginFailure) this.#outcome.ignored(error, binding.pod);
      });
    }
    this.#outcome.failed(binding.pod, binding.node, why, plugin);
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
        return (await enabled.plugin[point]?.(binding.contextOf(enabled))) ?? undefined;
      }
      return await this.#elsewhere.call(enabled, point, binding);
    } catch (error) {
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
}

type LatePoint = 'reserve' | 'unreserve' | 'permit' | 'preBind' | 'postBind';

class Binding {
  readonly pod: PodInfo;
  readonly node: NodeState;
  readonly profile: Profile;
  readonly reserved: EnabledPlugin[] = [];
  readonly #contexts: ReadonlyMap<EnabledPlugin, NodeContext>;

  constructor(pod: PodInfo, node: NodeState, profile: Profile) {
    this.pod = pod;
    this.node = node;
    this.profile = profile;
    this.#contexts = contextsOf(this);
  }

  /** Nothing stands between the choice and the binding. */
  get isPlain(): boolean {
    if (this.#contexts.size === 0) return true;
    return this.reserves.length + this.permits.length + this.preBinds.length === 0;
  }

  get reserves(): readonly EnabledPlugin[] {
    return this.#concerned(this.profile.reserves);
  }

  get permits(): readonly EnabledPlugin[] {
    return this.#concerned(this.profile.permits);
  }

  get preBinds(): readonly EnabledPlugin[] {
    return this.#concerned(this.profile.preBinds);
  }

  get postBinds(): readonly EnabledPlugin[] {
    return this.#concerned(this.profile.postBinds);
  }

  contextOf(enabled: EnabledPlugin): NodeContext {
    const context = this.#contexts.get(enabled);
    if (!context) throw new Error(`Plugin "${enabled.name}" has no context for "${this.pod.key}"`);
    return context;
  }

  /** Nearly all pods concern nobody. */
  #concerned(plugins: readonly EnabledPlugin[]): readonly EnabledPlugin[] {
    if (this.#contexts.size === 0) return NOBODY;
    return plugins.filter(enabled => this.#contexts.has(enabled));
  }
}

const NOBODY: readonly EnabledPlugin[] = [];
const NO_CONTEXTS: ReadonlyMap<EnabledPlugin, NodeContext> = new Map();

/** The cycle's contexts serve the next pod in a moment; these stay this pod's. */
function contextsOf({ pod, node, profile }: Binding): ReadonlyMap<EnabledPlugin, NodeContext> {
  let contexts: Map<EnabledPlugin, NodeContext> | undefined;
  for (const enabled of profile.latePlugins) {
    if (enabled.skipsLate) continue;
    contexts ??= new Map();
    contexts.set(enabled, { ...enabled.context, pod, node });
  }
  return contexts ?? NO_CONTEXTS;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}
