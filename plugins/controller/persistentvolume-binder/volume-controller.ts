import {
  type Contributions,
  DEFAULT_STORAGE_CLASS_ANNOTATIONS,
  type EventRecorder,
  type Informer,
  keyOf,
  matchVolume,
  namesStorageClass,
  PersistentVolume,
  PersistentVolumeClaim,
  type PluginContext,
  POD_FIELDS,
  Pod,
  type Provisioner,
  provisionerPoint,
  type ReconcileResult,
  type RunningQueue,
  runQueue,
  StorageClass,
  storageClassOf,
  VOLUME_ANNOTATIONS,
  volumeGroupOf,
  waitsForConsumer,
} from 'kernetes/sdk';
import { BindingWriter } from './binding-writer.ts';
import { ClaimSync } from './claim-sync.ts';
import { Latest } from './latest.ts';
import { VolumeOperations } from './volume-operations.ts';
import { VolumeSync } from './volume-sync.ts';
import { WaitingEvents } from './waiting-events.ts';

export interface Config {
  /** A claim that waits for a volume is looked at again after this long. */
  readonly syncPeriodMs: number;
  /** How many claims and volumes at a time; as many volumes are made and deleted meanwhile. */
  readonly concurrency: number;
}

/**
 * Keys and who works them off. Claims and volumes share a queue, so a binding is two neighbours in
 * it; what takes its time (provisioners) has a queue of its own and does not hold up bindings.
 *
 * Volumes are found by an index of those that are free, by class and mode, and of those that are
 * reserved, by claim: a claim looks at no volume of another class.
 */
export class VolumeController {
  readonly #volumes: Informer<PersistentVolume>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #classes: Informer<StorageClass>;
  readonly #pods: Informer<Pod>;
  readonly #provisioners: Contributions<Provisioner>;
  readonly #queue: RunningQueue;
  readonly #operationQueue: RunningQueue;
  readonly #claimSync: ClaimSync;
  readonly #volumeSync: VolumeSync;
  readonly #operations: VolumeOperations;

  constructor(ctx: PluginContext<Config>) {
    const { syncPeriodMs, concurrency } = ctx.config;
    this.#volumes = ctx.informer(PersistentVolume, { indexes: { available, claim: claimedBy } });
    this.#claims = ctx.informer(PersistentVolumeClaim, { indexes: { volume: namedBy, waiting } });
    this.#classes = ctx.informer(StorageClass);
    const unscheduled = unscheduledFor;
    this.#pods = ctx.informer(Pod, { fields: POD_FIELDS, indexes: { unscheduled } });
    this.#provisioners = ctx.contributions(provisionerPoint);
    this.#queue = runQueue(ctx, {
      concurrency,
      work: key => this.#work(key),
      replay: () => this.#enqueueAll(),
    });
    const work = (key: string) => this.#operate(key);
    this.#operationQueue = runQueue(ctx, { name: 'operations', concurrency, work });

    const { objects, clock } = ctx;
    const events = upstreamEvents(ctx.events);
    const volumes = new Latest(this.#volumes);
    const claims = new Latest(this.#claims);
    const writer = new BindingWriter({ objects, events, volumes, claims });
    const waits = new WaitingEvents(events, clock);
    const shared = { objects, events, waits, writer, volumes, claims, classes: this.#classes };
    this.#claimSync = new ClaimSync({
      ...{ ...shared, syncPeriodMs, pods: this.#pods },
      provision: key => this.#operationQueue.add(`provision ${key}`),
    });
    this.#volumeSync = new VolumeSync({
      ...shared,
      isOurs: volume => this.#provisionerOf(provisionedBy(volume)) !== undefined,
      enqueueClaim: key => this.#queue.add(`claim ${key}`),
      reclaim: name => this.#operationQueue.add(`reclaim ${name}`),
    });
    this.#operations = new VolumeOperations({
      ...{ ...shared, retryMs: syncPeriodMs },
      provisionerOf: name => this.#provisionerOf(name),
      isInUse: volume => this.#volumeSync.isInUse(volume),
    });
    ctx.onDispose(this.#provisioners.onChange(() => this.#enqueueAll()));
  }

  start(): void {
    const informers = [this.#volumes, this.#claims, this.#classes, this.#pods];
    this.#volumes.on({
      added: volume => this.#volumeChanged(volume),
      updated: (volume, old) => this.#volumeChanged(volume, old),
      deleted: volume => this.#enqueueVolume(volume),
    });
    this.#claims.on({
      added: claim => this.#enqueueClaim(claim),
      updated: claim => this.#enqueueClaim(claim),
      deleted: claim => this.#enqueueClaim(claim),
    });
    this.#classes.on({
      added: each => this.#classChanged(each),
      updated: each => this.#classChanged(each),
    });
    void Promise.all(informers.map(({ synced }) => synced)).then(() => {
      this.#queue.start();
      this.#operationQueue.start();
    });
  }

  #work(key: string): Promise<ReconcileResult> {
    const [kind, at] = splitKey(key);
    return kind === 'claim' ? this.#claimSync.sync(at) : this.#volumeSync.sync(at);
  }

  #operate(key: string): Promise<ReconcileResult> {
    const [verb, at] = splitKey(key);
    return verb === 'provision' ? this.#operations.provision(at) : this.#operations.reclaim(at);
  }

  #provisionerOf(name: string | undefined): Provisioner | undefined {
    return this.#provisioners.list().find(({ value }) => value.name === name)?.value;
  }

  #volumeChanged(volume: PersistentVolume, old?: PersistentVolume): void {
    this.#enqueueVolume(volume);
    if (old) this.#enqueueVolume(old);
    if (available(volume).length === 0) return;
    for (const claim of this.#takersOf(volume)) this.#queue.add(`claim ${keyOf(claim)}`);
  }

  /** And the claims that it has to do with. */
  #enqueueVolume(volume: PersistentVolume): void {
    const { name = '' } = volume.metadata;
    this.#queue.add(`volume ${name}`);
    for (const key of claimedBy(volume)) this.#queue.add(`claim ${key}`);
    for (const claim of this.#claims.byIndex('volume', name)) {
      this.#queue.add(`claim ${keyOf(claim)}`);
    }
  }

  #enqueueClaim(claim: PersistentVolumeClaim): void {
    const key = keyOf(claim);
    this.#queue.add(`claim ${key}`);
    for (const name of namedBy(claim)) this.#queue.add(`volume ${name}`);
    for (const { metadata } of this.#volumes.byIndex('claim', key)) {
      this.#queue.add(`volume ${metadata.name}`);
    }
  }

  /** A few that wait for such a volume; should they find another, all look again soon. */
  #takersOf(volume: PersistentVolume): readonly PersistentVolumeClaim[] {
    const takers: PersistentVolumeClaim[] = [];
    if (waitsForConsumer(this.#classes.get(storageClassOf(volume)))) return takers;
    // Those come first that have been here for longest.
    for (const claim of this.#claims.byIndex('waiting', volumeGroupOf(volume))) {
      if (matchVolume(claim, [volume])) takers.push(claim);
      if (takers.length === TAKERS_MAX) break;
    }
    return takers;
  }

  #classChanged(storageClass: StorageClass): void {
    const { name = '', annotations = {} } = storageClass.metadata;
    const isDefault = DEFAULT_STORAGE_CLASS_ANNOTATIONS.some(each => annotations[each] === 'true');
    const concerned = isDefault ? [name, ''] : [name];
    for (const className of concerned) {
      for (const mode of ['Filesystem', 'Block']) {
        for (const claim of this.#claims.byIndex('waiting', `${className} ${mode}`)) {
          const isMeant = className !== '' || !namesStorageClass(claim);
          if (isMeant) this.#queue.add(`claim ${keyOf(claim)}`);
        }
      }
    }
  }

  /** A provisioner came or went, or this begins to lead. */
  #enqueueAll(): void {
    for (const claim of this.#claims.list()) this.#enqueueClaim(claim);
    for (const volume of this.#volumes.list()) this.#enqueueVolume(volume);
  }
}

/** More would only find that the volume is taken. */
const TAKERS_MAX = 8;

/** Under the name that upstream's events have. */
function upstreamEvents(events: EventRecorder): EventRecorder {
  const component = 'persistentvolume-controller';
  return {
    event: (about, type, reason, message) =>
      events.event(about, type, reason, message, { component }),
  };
}

function splitKey(key: string): [string, string] {
  const space = key.indexOf(' ');
  return [key.slice(0, space), key.slice(space + 1)];
}

function provisionedBy({ metadata }: PersistentVolume): string | undefined {
  return metadata.annotations?.[VOLUME_ANNOTATIONS.provisionedBy];
}

/** The group of a volume that anybody may have. */
function available(volume: PersistentVolume): readonly string[] {
  const { metadata, spec, status } = volume;
  const isFree = spec?.claimRef === undefined && status?.phase === 'Available';
  return isFree && !metadata.deletionTimestamp ? [volumeGroupOf(volume)] : [];
}

function claimedBy({ spec }: PersistentVolume): readonly string[] {
  return spec?.claimRef ? [`${spec.claimRef.namespace}/${spec.claimRef.name}`] : [];
}

function namedBy({ spec }: PersistentVolumeClaim): readonly string[] {
  return spec?.volumeName ? [spec.volumeName] : [];
}

function waiting(claim: PersistentVolumeClaim): readonly string[] {
  return claim.spec?.volumeName ? [] : [volumeGroupOf(claim)];
}

/** The claims of a pod that has no node. */
function unscheduledFor({ metadata, spec }: Pod): readonly string[] {
  if (spec?.nodeName) return [];
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim = ephemeral ? `${metadata.name}-${name}` : persistentVolumeClaim?.claimName;
    return claim ? [`${metadata.namespace}/${claim}`] : [];
  });
}
