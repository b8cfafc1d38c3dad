import {
  delay,
  type Informer,
  type Kind,
  type KubeObject,
  PersistentVolume,
  type PluginContext,
  Pod,
  ResourceSlice,
  undefinedIfNotFound,
  VolumeAttachment,
} from 'kernetes/sdk';
import { type ReferenceType, referencesOf, secretsOfVolume } from './references.ts';

/**
 * What the pods of a node refer to. An index of the pods answers that: an entry for each reference
 * of each pod, under its node, kept by the informer. So a question is one look-up, whoever else
 * uses the same object. Objects between pod and goal (a claim's volume) are looked up in turn.
 *
 * Nothing is kept before a node first asks: clusters of simulated nodes have no such users.
 */
export class NodeGraph {
  readonly #ctx: PluginContext;
  #pods: Informer<Pod> | undefined;
  #volumes: Informer<PersistentVolume> | undefined;

  constructor(ctx: PluginContext) {
    this.#ctx = ctx;
  }

  /** Undefined: it is complete. Resolves within a bound, complete or not. */
  open(): Promise<unknown> | undefined {
    if (this.#pods?.hasSynced && this.#volumes?.hasSynced) return undefined;
    this.#pods ??= this.#ctx.informer(Pod, { fields: POD_FIELDS, indexes: { uses: usesOf } });
    this.#volumes ??= this.#ctx.informer(PersistentVolume, {
      fields: ['spec'],
      indexes: { secret: secretsOfVolume },
    });
    const { clock, signal } = this.#ctx;
    const synced = Promise.all([this.#pods.synced, this.#volumes.synced]);
    return Promise.race([synced, delay(clock, OPEN_MAX_MS, signal)]);
  }

  uses(node: string, type: ReferenceType, namespace: string, name: string): boolean {
    return this.#usesKey(node, type, `${namespace}/${name}`);
  }

  /** By a pod, or by a volume of a claim of a pod. */
  usesSecret(node: string, namespace: string, name: string): boolean {
    if (this.uses(node, 'secret', namespace, name)) return true;
    const volumes = this.#volumes?.byIndex('secret', `${namespace}/${name}`) ?? [];
    return volumes.some(volume => this.#usesClaimOf(node, volume));
  }

  usesVolume(node: string, name: string): boolean {
    const volume = this.#volumes?.get(name);
    return volume !== undefined && this.#usesClaimOf(node, volume);
  }

  async hasAttachment(node: string, name: string): Promise<boolean> {
    return (await this.#find(VolumeAttachment, name))?.spec?.nodeName === node;
  }

  async hasResourceSlice(node: string, name: string): Promise<boolean> {
    return (await this.#find(ResourceSlice, name))?.spec?.nodeName === node;
  }

  #usesClaimOf(node: string, { spec }: PersistentVolume): boolean {
    const { namespace, name } = spec?.claimRef ?? {};
    if (!namespace || !name) return false;
    return this.uses(node, 'persistentvolumeclaim', namespace, name);
  }

  #usesKey(node: string, type: ReferenceType, key: string): boolean {
    return (this.#pods?.byIndex('uses', `${node} ${type} ${key}`).length ?? 0) > 0;
  }

  #find<T extends KubeObject>(kind: Kind<T>, name: string): Promise<T | undefined> {
    return this.#ctx.objects.get(kind, { name }).catch(undefinedIfNotFound);
  }
}

function usesOf(pod: Pod): readonly string[] {
  const node = pod.spec?.nodeName;
  if (!node) return [];
  const { namespace } = pod.metadata;
  const values = referencesOf(pod).map(({ type, name }) => `${node} ${type} ${namespace}/${name}`);
  return [...new Set(values)];
}

/** Of a first list of very many pods; who asks too early is denied, and asks again. */
const OPEN_MAX_MS = 5_000;

const POD_FIELDS = [
  'spec.containers',
  'spec.ephemeralContainers',
  'spec.imagePullSecrets',
  'spec.initContainers',
  'spec.nodeName',
  'spec.resourceClaims',
  'spec.serviceAccountName',
  'spec.volumes',
  'status.resourceClaimStatuses',
];
