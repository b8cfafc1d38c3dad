import {
  type Disposer,
  isVolumeOnNode,
  keyOf,
  type NodeInfo,
  PersistentVolume,
  PersistentVolumeClaim,
  type PluginContext,
  type PodInfo,
  patchRequest,
  type Refusal,
  type SelectableNode,
  VOLUME_ANNOTATIONS,
} from 'kernetes/sdk';
import { isFullyBound, type PodVolumes } from './pod-volumes.ts';
import type { BindingPlan, VolumeView } from './volume-view.ts';

/**
 * Sets volumes aside for pods whose node is chosen, writes that down (on the volume that it is the
 * claim's, on the claim which node its volume is for) and waits until the controllers have finished
 * the bindings. What fails is given back by `unreserve`, and the pod tried again.
 */
export class ClaimBinder {
  readonly #ctx: BinderContext;
  readonly #view: VolumeView;
  readonly #plans = new Map<string, BindingPlan>();
  /** By claim: what is to be called when it or its volume changes. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(ctx: BinderContext, view: VolumeView) {
    this.#ctx = ctx;
    this.#view = view;
    const changed = (key: string) => {
      for (const look of this.#waiting.get(key) ?? []) look();
    };
    const claimChanged = (claim: PersistentVolumeClaim) => changed(keyOf(claim));
    const volumeChanged = ({ spec }: PersistentVolume) =>
      changed(`${spec?.claimRef?.namespace}/${spec?.claimRef?.name}`);
    view.claims.on({ updated: claimChanged, deleted: claimChanged });
    view.volumes.on({
      added: volumeChanged,
      updated(volume, old) {
        volumeChanged(old);
        volumeChanged(volume);
      },
      deleted: volumeChanged,
    });
  }

  /** Plans anew: other pods were placed since the node was looked at. */
  reserve(pod: PodInfo, volumes: PodVolumes, node: NodeInfo): Refusal | undefined {
    const plan = this.#view.plan(volumes, node);
    if ('code' in plan) return plan;
    if (plan.matches.length + plan.provisions.length === 0) return undefined;
    this.#view.assume(plan, node.name);
    this.#plans.set(pod.uid, plan);
    return undefined;
  }

  unreserve(pod: PodInfo): void {
    const plan = this.#plans.get(pod.uid);
    if (plan) this.#view.forget(plan);
    this.#plans.delete(pod.uid);
  }

  async bind(pod: PodInfo, { name, labels }: NodeInfo, timeoutSeconds: number): Promise<undefined> {
    const plan = this.#plans.get(pod.uid);
    if (plan === undefined) return;
    const written = { ...plan, ...(await this.#write(plan, name)) };
    await this.#whenBound(written, { name, labels }, timeoutSeconds);
    this.unreserve(pod);
  }

  async #write({ matches, provisions }: BindingPlan, nodeName: string): Promise<Written> {
    const results = await this.#ctx.objects.batch([
      ...matches.map(({ claim, volume }) => reserveRequest(volume, claim)),
      ...provisions.map(({ claim }) => selectRequest(claim, nodeName)),
    ]);
    const written = results.map(result => {
      if (!result.ok) throw result.error;
      return result.object;
    });
    // A patch is answered with what it patched.
    return {
      reserved: written.slice(0, matches.length) as PersistentVolume[],
      selected: written.slice(matches.length) as PersistentVolumeClaim[],
    };
  }

  /** Looks at every change of its claims and their volumes. */
  #whenBound(plan: WrittenPlan, node: SelectableNode, timeoutSeconds: number): Promise<void> {
    const { clock, signal } = this.#ctx;
    const claims = claimsOf(plan);
    return new Promise((resolve, reject) => {
      const disposers: (() => unknown)[] = [];
      const settle = (error?: unknown) => {
        for (const dispose of disposers) dispose();
        if (error === undefined) resolve();
        else reject(new Error(`binding volumes: ${textOf(error)}`, { cause: error }));
      };
      const look = () => {
        try {
          if (this.#isBound(plan, node)) settle();
        } catch (error) {
          settle(error);
        }
      };
      const onTimeout = () => settle('context deadline exceeded');
      const timeout = clock.setTimeout(onTimeout, timeoutSeconds * 1000);
      const onAbort = () => settle(signal.reason);
      signal.addEventListener('abort', onAbort);
      disposers.push(
        () => timeout.cancel(),
        () => signal.removeEventListener('abort', onAbort),
        this.#onChangeOf(claims.map(keyOf), look),
      );
      look();
    });
  }

  #onChangeOf(claimKeys: readonly string[], look: () => void): Disposer {
    for (const key of claimKeys) {
      const looks = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, looks.add(look));
    }
    return () => {
      for (const key of claimKeys) {
        const looks = this.#waiting.get(key);
        if (looks?.delete(look) && looks.size === 0) this.#waiting.delete(key);
      }
    };
  }

  /** Throws when it will not come to that. */
  #isBound(plan: WrittenPlan, node: SelectableNode): boolean {
    const { claims, volumes } = this.#view;
    for (const written of plan.reserved) {
      assertReserved(volumes.get(written.metadata.name ?? ''), written);
    }
    for (const written of plan.selected) {
      assertSelected(claims.get(keyOf(written)), written, node.name);
    }
    return claimsOf(plan).every(({ metadata: { namespace, name, uid } }) => {
      const claim = claims.get(`${namespace}/${name}`);
      if (claim?.metadata.uid !== uid || !claim || claim.metadata.deletionTimestamp) {
        throw new Error(`persistentvolumeclaim "${name}" not found`);
      }
      const volume = volumes.get(claim.spec?.volumeName ?? '');
      if (!volume || !isFullyBound(claim)) return false;
      if (isVolumeOnNode(volume, node)) return true;
      const which = `pv "${volume.metadata.name}" node affinity doesn't match node "${node.name}"`;
      throw new Error(`${which}: no matching NodeSelectorTerms`);
    });
  }
}

function claimsOf({ matches, provisions }: BindingPlan): readonly PersistentVolumeClaim[] {
  return [...matches, ...provisions].map(({ claim }) => claim);
}

type BinderContext = Pick<PluginContext, 'objects' | 'clock' | 'signal'>;

/** What was written, as it was then: volumes for their claims, claims whose volumes are to be made. */
interface Written {
  readonly reserved: readonly PersistentVolume[];
  readonly selected: readonly PersistentVolumeClaim[];
}

type WrittenPlan = BindingPlan & Written;

/** Who gives the volume to another, or to nobody, has undone the binding. */
function assertReserved(volume: PersistentVolume | undefined, written: PersistentVolume): void {
  const { name } = written.metadata;
  if (volume === undefined) {
    throw new Error(`failed to check binding: persistentvolume "${name}" not found`);
  }
  if (!isSeen(volume, written)) return;
  if (volume.spec?.claimRef?.uid === written.spec?.claimRef?.uid) return;
  throw new Error(`ClaimRef got reset for pv "${name}"`);
}

/** The copy shows what was written, or something later. */
function isSeen<T extends PersistentVolume | PersistentVolumeClaim>(known: T, written: T): boolean {
  return Number(known.metadata.resourceVersion) >= Number(written.metadata.resourceVersion);
}

/** A provisioner that fails takes the choice of the node back. */
function assertSelected(
  claim: PersistentVolumeClaim | undefined,
  written: PersistentVolumeClaim,
  nodeName: string,
): void {
  if (claim === undefined || isFullyBound(claim)) return;
  const selected = claim.metadata.annotations?.[VOLUME_ANNOTATIONS.selectedNode];
  if (!isSeen(claim, written) || selected === nodeName) return;
  throw new Error(
    selected === undefined
      ? `provisioning failed for PVC "${claim.metadata.name}"`
      : `selectedNode annotation value "${selected}" not set to scheduled node "${nodeName}"`,
  );
}

/** The volume's side of a binding; the controller writes the claim's. */
function reserveRequest({ metadata }: PersistentVolume, claim: PersistentVolumeClaim) {
  const { name = '', uid, resourceVersion } = metadata;
  const { namespace, name: claimName, uid: claimUid } = claim.metadata;
  const annotations = { [VOLUME_ANNOTATIONS.boundByController]: 'yes' };
  const claimRef = {
    ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
    ...{ namespace, name: claimName, uid: claimUid },
    resourceVersion: claim.metadata.resourceVersion,
  };
  const patch = { metadata: { uid, resourceVersion, annotations }, spec: { claimRef } };
  return patchRequest(PersistentVolume, { name }, patch);
}

function selectRequest({ metadata }: PersistentVolumeClaim, nodeName: string) {
  const { namespace = '', name = '', uid, resourceVersion } = metadata;
  const annotations = { [VOLUME_ANNOTATIONS.selectedNode]: nodeName };
  const patch = { metadata: { uid, resourceVersion, annotations } };
  return patchRequest(PersistentVolumeClaim, { namespace, name }, patch);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
