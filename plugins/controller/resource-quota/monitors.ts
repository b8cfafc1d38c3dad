import {
  type Informer,
  isSameUsage,
  type KubeObject,
  NO_SCOPES,
  type PluginContext,
  type QuotaEvaluator,
  quotaEvaluator,
  type Scopes,
  type ServedKind,
  type Usage,
} from 'kernetes/sdk';

/** The objects of one kind, and what quotas can say of them. */
export interface Monitor {
  readonly evaluator: QuotaEvaluator;
  readonly objects: Informer<KubeObject>;
  /** Its objects are not known yet, and will be soon. */
  isComing(): boolean;
  count(object: KubeObject): Count;
}

export interface Count {
  readonly usage: Usage;
  readonly scopes: Scopes;
}

export interface MonitorsOptions {
  readonly ctx: Pick<PluginContext, 'informer' | 'clock'>;
  /** Whether anybody wants to know of a namespace. */
  isWatched(namespace: string): boolean;
  /** What objects of the namespace use may be other than it was; undefined: of any namespace. */
  onChange(evaluator: QuotaEvaluator, namespace?: string): void;
}

/** Copies of the kinds that some quota is on, as quotas and kinds come and go. */
export class Monitors {
  readonly #options: MonitorsOptions;
  readonly #monitors = new Map<string, Monitor>();

  constructor(options: MonitorsOptions) {
    this.#options = options;
  }

  /** Watches the kinds that one of the names is about, and no others. */
  follow(kinds: readonly ServedKind[], names: readonly string[]): void {
    const wanted = new Map<string, () => Monitor>();
    for (const kind of kinds) {
      const evaluator = isCountable(kind) ? quotaEvaluator(kind) : undefined;
      if (!evaluator || !names.some(evaluator.counts)) continue;
      wanted.set(idOf(kind), () => this.#open(kind, evaluator));
    }
    for (const [id, { objects }] of this.#monitors) {
      if (wanted.has(id)) continue;
      objects.close();
      this.#monitors.delete(id);
    }
    for (const [id, open] of wanted) if (!this.#monitors.has(id)) this.#monitors.set(id, open());
  }

  list(): readonly Monitor[] {
    return [...this.#monitors.values()];
  }

  #open(kind: ServedKind, evaluator: QuotaEvaluator): Monitor {
    const { ctx, isWatched, onChange } = this.#options;
    const objects = ctx.informer<KubeObject>(kind, { fields: evaluator.fields });
    const count = counter(evaluator, () => ctx.clock.now());
    const changed = ({ metadata: { namespace = '' } }: KubeObject) =>
      onChange(evaluator, namespace);
    objects.on({
      added: changed,
      updated(object, old) {
        if (!isWatched(object.metadata.namespace ?? '')) return;
        if (!isSame(count(object), count(old))) changed(object);
      },
      deleted: changed,
    });
    void objects.synced.then(() => onChange(evaluator));
    const openedMs = ctx.clock.monotonic();
    const isComing = () => !objects.hasSynced && ctx.clock.monotonic() - openedMs < SYNC_TIMEOUT_MS;
    return { evaluator, objects, isComing, count };
  }
}

/** What an object uses is worked out once, but for one whose time is running out. */
function counter(
  { usage, scopes }: QuotaEvaluator,
  now: () => number,
): (object: KubeObject) => Count {
  const known = new WeakMap<KubeObject, Count>();
  return object => {
    const found = known.get(object);
    if (found !== undefined) return found;
    const made = { usage: usage(object, now()), scopes: scopes?.(object) ?? NO_SCOPES };
    if (!object.metadata.deletionTimestamp) known.set(object, made);
    return made;
  };
}

function isSame(a: Count, b: Count): boolean {
  return isSameUsage(a.usage, b.usage) && isSameScopes(a.scopes, b.scopes);
}

function isSameScopes(a: Scopes, b: Scopes): boolean {
  if (a.size !== b.size) return false;
  for (const [name, values] of a) if (String(b.get(name)) !== String(values)) return false;
  return true;
}

function isCountable({ namespaced, verbs }: ServedKind): boolean {
  return namespaced && verbs.includes('list') && verbs.includes('watch');
}

function idOf({ group, version, resource }: ServedKind): string {
  return `${group}/${version}/${resource}`;
}

/** A kind that takes longer is left out, so that the other limits of a quota do not wait for it. */
export const SYNC_TIMEOUT_MS = 5_000;
