import type { NodeContext, NodeState, PodInfo } from 'kernetes/sdk';
import type { EnabledPlugin, Profile } from '../profile/profile.ts';

/** Why a pod's way to its binding ended early; nobody's fault. */
export class Cancelled extends Error {
  override name = 'Cancelled';
}

/** A pod on its way from the choice of its node to its binding, with what its cycle left for it. */
export class Binding {
  readonly pod: PodInfo;
  readonly node: NodeState;
  readonly profile: Profile;
  readonly reserved: EnabledPlugin[] = [];
  /** Plugins that its permit waits for. */
  readonly waitsFor = new Set<string>();
  readonly #contexts: ReadonlyMap<EnabledPlugin, NodeContext>;
  #cancel: ((why: Cancelled) => void) | undefined;
  #cancelled: Promise<never> | undefined;

  constructor(pod: PodInfo, node: NodeState, profile: Profile) {
    this.pod = pod;
    this.node = node;
    this.profile = profile;
    this.#contexts = contextsOf(this);
  }

  /** `promise`, or what `cancel` said before it settled. */
  unlessCancelled<T>(promise: Promise<T>): Promise<T> {
    if (!this.#cancelled) {
      this.#cancelled = new Promise<never>((_, reject) => (this.#cancel = reject));
      // Nobody may be waiting when it comes.
      this.#cancelled.catch(() => {});
    }
    return Promise.race([promise, this.#cancelled]);
  }

  cancel(why: Cancelled): void {
    this.#cancel?.(why);
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
