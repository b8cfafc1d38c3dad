import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  dns1123SubdomainErrors,
  type FieldError,
  type FieldPath,
  fieldPath,
  immutable,
  invalidValue,
  NAME_COLUMN,
  nameFindings,
  type ResourcePool,
  type ResourceSlice,
  type ResourceSliceSpec,
  required,
  type StrategyContext,
  validateNodeSelector,
} from 'kernetes/sdk';
import { validateCounterSet, validateDevice } from './device.ts';
import { validateSet } from './lists.ts';
import { validateDriverName, validatePoolName } from './names.ts';

const SPEC = fieldPath('spec');
const DEVICES_MAX = 128;
/** With taints, counters or lists, which make a device large. */
const RICH_DEVICES_MAX = 64;
const COUNTER_SETS_MAX = 8;

export const resourceSlices = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  kind: 'ResourceSlice',
  resource: 'resourceslices',
  singular: 'resourceslice',
  namespaced: false,
  storage: { prefix: 'registry/resourceslices', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('resource.k8s.io', 'v1', 'ResourceSlice'),
      releases: { since: 34 },
      columns: [NAME_COLUMN, column('Node'), column('Driver'), column('Pool'), AGE_COLUMN],
      row: (slice, now) => [
        slice.metadata.name ?? '',
        slice.spec?.nodeName ?? '',
        slice.spec?.driver ?? '',
        slice.spec?.pool?.name ?? '',
        ageCell(slice, now),
      ],
    },
  ],
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
    'spec.driver': ({ spec }) => spec?.driver ?? '',
  },
  strategy: {
    returnsDeleted: true,
    generation: true,
    prepareCreate: stampTaints,
    prepareUpdate: (slice, _, context) => stampTaints(slice, context),
    validate: ({ spec }) => validateSpec(spec, SPEC),
    validateUpdate: ({ spec }, { spec: old }) => [
      ...immutable(spec?.pool?.name, old?.pool?.name, SPEC.child('pool', 'name')),
      ...immutable(spec?.driver, old?.driver, SPEC.child('driver')),
      ...immutable(spec?.nodeName, old?.nodeName, SPEC.child('nodeName')),
    ],
  },
});

/** To the second, as times are written. */
function stampTaints({ spec }: ResourceSlice, { clock }: StrategyContext): void {
  for (const { taints = [] } of spec?.devices ?? []) {
    for (const taint of taints) {
      taint.timeAdded ??= `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    }
  }
}

function validateSpec(spec: ResourceSliceSpec = NO_SPEC, path: FieldPath): FieldError[] {
  const { driver, pool, devices, sharedCounters, perDeviceNodeSelection } = spec;
  const isRich = devices?.some(isRichDevice);
  const named = ({ name }: { readonly name: string }) => name;
  const both = 'only one of `sharedCounters` or `devices` is allowed';
  return [
    ...validateDriverName(driver, path.child('driver')),
    ...validatePool(pool, path.child('pool')),
    ...validateNodes(spec, path),
    ...(sharedCounters && devices ? [invalidValue(path, '', both)] : []),
    ...validateSet(
      devices,
      { max: isRich ? RICH_DEVICES_MAX : DEVICES_MAX, path: path.child('devices'), key: named },
      (device, at) => validateDevice(device, at, perDeviceNodeSelection === true),
    ),
    ...validateSet(
      sharedCounters,
      { max: COUNTER_SETS_MAX, path: path.child('sharedCounters'), key: named },
      validateCounterSet,
    ),
  ];
}

function isRichDevice(device: NonNullable<ResourceSliceSpec['devices']>[number]): boolean {
  const { taints = [], consumesCounters = [], attributes = {} } = device;
  return (
    taints.length > 0 ||
    consumesCounters.length > 0 ||
    Object.values(attributes).some(({ bools, ints, strings, versions }) =>
      Boolean(bools ?? ints ?? strings ?? versions),
    )
  );
}

function validatePool(
  { name, resourceSliceCount = 0, generation = 0 }: ResourcePool = NO_POOL,
  path: FieldPath,
): FieldError[] {
  const errors = validatePoolName(name, path.child('name'));
  if (resourceSliceCount <= 0) {
    const at = path.child('resourceSliceCount');
    errors.push(invalidValue(at, resourceSliceCount, 'must be greater than zero'));
  }
  if (generation < 0) {
    const why = 'must be greater than or equal to zero';
    errors.push(invalidValue(path.child('generation'), generation, why));
  }
  return errors;
}

const NO_POOL: ResourcePool = { name: '', generation: 0, resourceSliceCount: 0 };

const NO_SPEC: ResourceSliceSpec = { driver: '', pool: NO_POOL };

/** Where the devices can be used is said in one way. */
function validateNodes(spec: ResourceSliceSpec, path: FieldPath): FieldError[] {
  const { nodeName, nodeSelector } = spec;
  const errors: FieldError[] = [];
  const set: string[] = [];
  if (nodeName) {
    set.push('`nodeName`');
    errors.push(
      ...nameFindings(path.child('nodeName'), nodeName, dns1123SubdomainErrors(nodeName)),
    );
  } else if (nodeName === '') {
    const why = 'must be either unset or set to a non-empty string';
    errors.push(invalidValue(path.child('nodeName'), nodeName, why));
  }
  if (nodeSelector) {
    set.push('`nodeSelector`');
    const at = path.child('nodeSelector');
    errors.push(...validateNodeSelector(nodeSelector, at));
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) {
      const why = 'must have exactly one node selector term';
      errors.push(invalidValue(at.child('nodeSelectorTerms'), terms, why));
    }
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[field]) set.push(`\`${field}\``);
    else if (spec[field] === false) {
      errors.push(invalidValue(path.child(field), false, 'must be either unset or set to true'));
    }
  }
  return [...errors, ...validateChoice(set, path)];
}

function validateChoice(set: readonly string[], path: FieldPath): FieldError[] {
  const oneOf =
    'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (set.length === 0) return [required(path, oneOf)];
  if (set.length === 1) return [];
  return [invalidValue(path, `{${set.join(', ')}}`, `${oneOf}, but multiple fields are set`)];
}
