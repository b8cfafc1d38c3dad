import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  type CSIDriver,
  type CSINode,
  type CSIStorageCapacity,
  column,
  defineKind,
  duplicate,
  type FieldError,
  fieldPath,
  immutable,
  type KindVersion,
  NAME_COLUMN,
  olderVersion,
  required,
  rewritten,
  withoutColumns,
} from 'kernetes/sdk';

const GROUP = 'storage.k8s.io';

const CSI_DRIVER_V1: KindVersion<CSIDriver> = {
  name: 'v1',
  schema: builtInSchema(GROUP, 'v1', 'CSIDriver'),
  defaults: defaultCsiDriver,
  columns: [
    NAME_COLUMN,
    column('AttachRequired', 0, 'boolean'),
    column('PodInfoOnMount', 0, 'boolean'),
    column('StorageCapacity', 0, 'boolean'),
    column('TokenRequests'),
    column('RequiresRepublish', 0, 'boolean'),
    column('Modes'),
    AGE_COLUMN,
  ],
  row: (driver, now) => {
    const { spec } = driver;
    const audiences = (spec.tokenRequests ?? []).map(({ audience }) => audience);
    return [
      driver.metadata.name ?? '',
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      audiences.join(',') || '<unset>',
      spec.requiresRepublish ?? false,
      (spec.volumeLifecycleModes ?? []).join(','),
      ageCell(driver, now),
    ];
  },
};

export const csiDrivers = defineKind<CSIDriver>({
  group: GROUP,
  kind: 'CSIDriver',
  resource: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  storage: { prefix: 'registry/csidrivers', version: 'v1' },
  versions: [
    CSI_DRIVER_V1,
    olderVersion(CSI_DRIVER_V1, {
      group: GROUP,
      kind: 'CSIDriver',
      name: 'v1beta1',
      deprecated: 19,
      until: 21,
    }),
  ],
  earlier: [
    rewritten<CSIDriver>(26, ({ spec }) => {
      delete spec.seLinuxMount;
    }),
    rewritten<CSIDriver>(20, ({ spec }) => {
      delete spec.requiresRepublish;
      delete spec.storageCapacity;
    }),
    withoutColumns(20, 'StorageCapacity', 'TokenRequests', 'RequiresRepublish'),
  ],
  strategy: {
    returnsDeleted: true,
    generation: true,
    validateUpdate: ({ spec }, old) => [
      ...immutable(
        spec.attachRequired,
        old.spec.attachRequired,
        fieldPath('spec', 'attachedRequired'),
      ),
      ...immutable(
        spec.volumeLifecycleModes,
        old.spec.volumeLifecycleModes,
        fieldPath('spec', 'volumeLifecycleModes'),
      ),
    ],
  },
});

const CSI_NODE_V1: KindVersion<CSINode> = {
  name: 'v1',
  schema: builtInSchema(GROUP, 'v1', 'CSINode'),
  columns: [NAME_COLUMN, column('Drivers', 0, 'integer'), AGE_COLUMN],
  row: (node, now) => [
    node.metadata.name ?? '',
    node.spec?.drivers?.length ?? 0,
    ageCell(node, now),
  ],
};

export const csiNodes = defineKind<CSINode>({
  group: GROUP,
  kind: 'CSINode',
  resource: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  storage: { prefix: 'registry/csinodes', version: 'v1' },
  versions: [
    CSI_NODE_V1,
    olderVersion(CSI_NODE_V1, {
      group: GROUP,
      kind: 'CSINode',
      name: 'v1beta1',
      deprecated: 17,
      until: 21,
    }),
  ],
  strategy: { returnsDeleted: true, validate: validateCsiNode },
});

const CSI_STORAGE_CAPACITY_V1: KindVersion<CSIStorageCapacity> = {
  name: 'v1',
  schema: builtInSchema(GROUP, 'v1', 'CSIStorageCapacity'),
  columns: [NAME_COLUMN, column('StorageClassName'), column('Capacity'), AGE_COLUMN],
  row: (capacity, now) => [
    capacity.metadata.name ?? '',
    capacity.storageClassName,
    capacity.capacity ?? '',
    ageCell(capacity, now),
  ],
};

export const csiStorageCapacities = defineKind<CSIStorageCapacity>({
  group: GROUP,
  kind: 'CSIStorageCapacity',
  resource: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  namespaced: true,
  storage: { prefix: 'registry/csistoragecapacities', version: 'v1' },
  versions: [
    { ...CSI_STORAGE_CAPACITY_V1, releases: { since: 24 } },
    {
      ...CSI_STORAGE_CAPACITY_V1,
      name: 'v1beta1',
      releases: { since: 21, until: 26 },
      deprecation:
        'storage.k8s.io/v1beta1 CSIStorageCapacity is deprecated in v1.24+, unavailable in v1.27+; ' +
        'use storage.k8s.io/v1 CSIStorageCapacity',
    },
  ],
  strategy: {
    validate: ({ storageClassName }) =>
      storageClassName ? [] : [required(fieldPath('storageClassName'), '')],
    validateUpdate: (capacity, old) => [
      ...immutable(capacity.nodeTopology, old.nodeTopology, fieldPath('nodeTopology')),
      ...immutable(capacity.storageClassName, old.storageClassName, fieldPath('storageClassName')),
    ],
  },
});

function defaultCsiDriver(driver: CSIDriver): void {
  driver.spec ??= {};
  const { spec } = driver;
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
  if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
}

export function validateCsiNode({ spec }: CSINode): FieldError[] {
  const path = fieldPath('spec', 'drivers');
  const seen = new Set<string>();
  return (spec?.drivers ?? []).flatMap((driver, i) => {
    const errors: FieldError[] = [];
    if (!driver.name) errors.push(required(path.index(i).child('name'), ''));
    if (!driver.nodeID) errors.push(required(path.index(i).child('nodeID'), ''));
    if (seen.has(driver.name)) errors.push(duplicate(path.index(i).child('name'), driver.name));
    seen.add(driver.name);
    return errors;
  });
}
