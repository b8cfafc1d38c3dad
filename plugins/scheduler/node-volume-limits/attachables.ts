import {
  foreignClaim,
  type Informer,
  PersistentVolume,
  PersistentVolumeClaim,
  type PluginContext,
  type PodInfo,
  podClaims,
  type Refusal,
  StorageClass,
  storageClassOf,
  verdict,
} from 'kernetes/sdk';
import type { Attachable } from './attachable.ts';
import {
  DRIVER_OF_IN_TREE,
  type InTreeVolume,
  inlineVolume,
  inTreePersistentVolume,
} from './in-tree.ts';

/** Which volumes of CSI drivers a pod has, by its claims and the volumes these have or will have. */
export class Attachables {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    // The fields are those of other volume plugins: they share the copy.
    this.claims = ctx.informer(PersistentVolumeClaim, { fields: ['spec', 'status.phase'] });
    this.#volumes = ctx.informer(PersistentVolume, { fields: ['spec', 'status.phase'] });
    this.#classes = ctx.informer(StorageClass);
  }

  /** Of a pod that wants a node; or why none will do. */
  wantedBy(pod: PodInfo): readonly Attachable[] | Refusal {
    for (const { name, isEphemeral } of podClaims(pod)) {
      const key = `${pod.namespace}/${name}`;
      const claim = this.claims.get(key);
      if (claim === undefined) {
        const why = `looking up PVC ${key}: persistentvolumeclaim "${name}" not found`;
        return verdict.unresolvable(why);
      }
      const foreign = isEphemeral && foreignClaim(pod, claim);
      if (foreign) return verdict.unresolvable(foreign);
    }
    const wanted = new Map<string, Attachable>();
    this.addOf(pod, each => wanted.set(each.id, each));
    return [...wanted.values()];
  }

  /** Tells each; the same volume perhaps several times. Claims that are gone count for nothing. */
  addOf(pod: PodInfo, add: (attachable: Attachable) => void): void {
    for (const volume of pod.spec.volumes ?? []) {
      if (volume.persistentVolumeClaim || volume.ephemeral) continue;
      const inTree = inlineVolume(volume);
      if (inTree) add(migrated(inTree));
    }
    for (const { name } of podClaims(pod)) {
      const claim = this.claims.get(`${pod.namespace}/${name}`);
      const attachable = claim && this.#attachableOf(claim);
      if (attachable) add(attachable);
    }
  }

  attachableOfVolume(name: string): Attachable | undefined {
    const volume = this.#volumes.get(name);
    if (volume === undefined) return undefined;
    const { csi } = volume.spec ?? {};
    if (csi) return { driver: csi.driver, id: `${csi.driver}/${csi.volumeHandle}` };
    const inTree = inTreePersistentVolume(volume);
    return inTree && migrated(inTree);
  }

  #attachableOf(claim: PersistentVolumeClaim): Attachable | undefined {
    const volumeName = claim.spec?.volumeName;
    // A volume that is not known may have been deleted, or not been made yet.
    if (volumeName && this.#volumes.get(volumeName)) return this.attachableOfVolume(volumeName);
    return this.#attachableOfClass(claim);
  }

  /** What will be made for the claim. Without a class, nothing that waits for the scheduler. */
  #attachableOfClass(claim: PersistentVolumeClaim): Attachable | undefined {
    const className = storageClassOf(claim);
    const provisioner = className && this.#classes.get(className)?.provisioner;
    if (!provisioner) return undefined;
    const driver = DRIVER_OF_IN_TREE.get(provisioner);
    const { namespace, name } = claim.metadata;
    // No driver's name has a space: no volume's id is like it.
    const id = `${driver ?? provisioner} for ${namespace}/${name}`;
    return driver ? { driver, id, inTree: provisioner } : { driver: provisioner, id };
  }
}

function migrated({ provisioner, handle }: InTreeVolume): Attachable {
  const driver = DRIVER_OF_IN_TREE.get(provisioner) ?? provisioner;
  return { driver, id: `${driver}/${handle}`, inTree: provisioner };
}
