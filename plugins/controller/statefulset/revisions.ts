import {
  type ControllerRevision,
  type ObjectClient,
  type PodTemplateSpec,
  StatefulSet,
  syncRevision,
  templateOf,
} from 'kernetes/sdk';

/** Names, as they are told in the status. */
export interface RevisionNames {
  /** Of which the pods were made before the update, and those below the partition are still. */
  readonly currentRevision: string;
  /** That of the set's template. */
  readonly updateRevision: string;
  readonly collisionCount: number;
}

export interface Revisions extends RevisionNames {
  readonly all: readonly ControllerRevision[];
  readonly update: ControllerRevision;
  /** By the name of a revision. */
  templateOf(revision: string): PodTemplateSpec | undefined;
}

/** Finds the revisions that the set has to do with; that of its template is made if need be. */
export async function findRevisions(
  set: StatefulSet,
  revisions: readonly ControllerRevision[],
  objects: ObjectClient,
): Promise<Revisions> {
  const { revision: update, collisionCount } = await syncRevision(set.spec?.template ?? {}, {
    objects,
    ownerKind: StatefulSet,
    owner: set,
    hashLabel: HASH_LABEL,
    revisions,
    collisionCount: set.status?.collisionCount ?? 0,
  });
  const updateRevision = update.metadata.name ?? '';
  const known = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision);
  return {
    currentRevision: known?.metadata.name ?? updateRevision,
    updateRevision,
    collisionCount,
    all: revisions,
    update,
    templateOf: name => (name !== updateRevision && known ? templateOf(known) : set.spec?.template),
  };
}

/** For a set that is on its way out: no new ones are made. */
export function storedRevisions({ status }: StatefulSet): RevisionNames {
  const { currentRevision = '', updateRevision = '', collisionCount = 0 } = status ?? {};
  return { currentRevision, updateRevision, collisionCount };
}

const HASH_LABEL = 'controller.kubernetes.io/hash';
