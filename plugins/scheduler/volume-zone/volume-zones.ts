import {
  type Disposer,
  type Informer,
  PersistentVolume,
  PersistentVolumeClaim,
  type PluginContext,
  type PodClaim,
  type PodInfo,
  type Refusal,
  StorageClass,
  storageClassOf,
  usesClaim,
  verdict,
  type Wake,
  waitsForConsumer,
} from 'kernetes/sdk';
import { areSameZones, type Zone, zonesOf } from './zone.ts';

/** The zones of the volumes that claims are bound to. */
export class VolumeZones {
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    // The fields are those of other volume plugins: they share the copy.
    this.#claims = ctx.informer(PersistentVolumeClaim, { fields: ['spec', 'status.phase'] });
    this.#volumes = ctx.informer(PersistentVolume, { fields: ['spec', 'status.phase'] });
    this.#classes = ctx.informer(StorageClass);
  }

  onChange(wake: Wake): Disposer {
    const wakeUsers = (claim: PersistentVolumeClaim) => wake(pod => usesClaim(pod, claim));
    const disposers = [
      this.#claims.on({ added: wakeUsers, updated: wakeUsers }),
      this.#volumes.on({
        added: () => wake(),
        updated: (volume, old) => {
          if (!areSameZones(volume, old)) wake();
        },
      }),
      this.#classes.on({
        added: storageClass => {
          if (waitsForConsumer(storageClass)) wake();
        },
      }),
    ];
    return () => {
      for (const dispose of disposers) void dispose();
    };
  }

  /** Or why no node will do. */
  zonesOf(pod: PodInfo, claims: readonly PodClaim[]): readonly Zone[] | Refusal {
    const zones: Zone[] = [];
    for (const { name, isEphemeral } of claims) {
      if (isEphemeral) continue;
      const claim = this.#claims.get(`${pod.namespace}/${name}`);
      if (claim === undefined) return notFound('persistentvolumeclaim', name);
      const volumeName = claim.spec?.volumeName;
      if (volumeName) {
        const volume = this.#volumes.get(volumeName);
        if (volume === undefined) return notFound('persistentvolume', volumeName);
        zones.push(...zonesOf(volume));
      } else {
        const refusal = this.#unboundRefusal(claim);
        if (refusal) return refusal;
      }
    }
    return zones;
  }

  #unboundRefusal(claim: PersistentVolumeClaim): Refusal | undefined {
    const className = storageClassOf(claim);
    if (className === '') return NO_CLASS;
    const storageClass = this.#classes.get(className);
    if (storageClass === undefined) return notFound('storageclass.storage.k8s.io', className);
    return waitsForConsumer(storageClass) ? undefined : UNBOUND;
  }
}

function notFound(what: string, name: string): Refusal {
  return verdict.unresolvable(`${what} "${name}" not found`);
}

const NO_CLASS = verdict.unresolvable('PersistentVolumeClaim had no pv name and storageClass name');
const UNBOUND = verdict.unresolvable('PersistentVolume had no name');
