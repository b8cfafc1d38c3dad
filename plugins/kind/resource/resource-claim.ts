import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  type DeviceClaim,
  defineKind,
  type FieldPath,
  fieldPath,
  immutable,
  type KindDefinition,
  NAME_COLUMN,
  type ResourceClaim,
  type ResourceClaimTemplate,
  validateTemplateMetadata,
} from 'kernetes/sdk';
import { deviceId, validateClaimStatus } from './claim-status.ts';
import { validateDeviceClaim } from './device-claim.ts';
import type { Selectors } from './selectors.ts';

const GROUP = 'resource.k8s.io';

export function resourceClaims(selectors: Selectors): KindDefinition {
  return defineKind<ResourceClaim>({
    group: GROUP,
    kind: 'ResourceClaim',
    resource: 'resourceclaims',
    singular: 'resourceclaim',
    namespaced: true,
    storage: { prefix: 'registry/resourceclaims', version: 'v1' },
    versions: [
      {
        name: 'v1',
        schema: builtInSchema(GROUP, 'v1', 'ResourceClaim'),
        releases: { since: 34 },
        defaults: ({ spec }) => defaultDeviceClaim(spec?.devices),
        columns: [NAME_COLUMN, column('State'), AGE_COLUMN],
        row: (claim, now) => [claim.metadata.name ?? '', stateOf(claim), ageCell(claim, now)],
      },
    ],
    strategy: {
      returnsDeleted: true,
      status: true,
      prepareStatusUpdate: dropFreedDevices,
      validateCreate: ({ spec }) =>
        validateDeviceClaim(spec?.devices, fieldPath('spec', 'devices'), selectors),
      validateUpdate: ({ spec }, old) => immutable(spec, old.spec, fieldPath('spec')),
      validateStatusUpdate: validateClaimStatus,
    },
  });
}

export function resourceClaimTemplates(selectors: Selectors): KindDefinition {
  const path = fieldPath('spec');
  return defineKind<ResourceClaimTemplate>({
    group: GROUP,
    kind: 'ResourceClaimTemplate',
    resource: 'resourceclaimtemplates',
    singular: 'resourceclaimtemplate',
    namespaced: true,
    storage: { prefix: 'registry/resourceclaimtemplates', version: 'v1' },
    versions: [
      {
        name: 'v1',
        schema: builtInSchema(GROUP, 'v1', 'ResourceClaimTemplate'),
        releases: { since: 34 },
        defaults: ({ spec }) => defaultDeviceClaim(spec?.spec?.devices),
        columns: [NAME_COLUMN, AGE_COLUMN],
        row: (template, now) => [template.metadata.name ?? '', ageCell(template, now)],
      },
    ],
    strategy: {
      returnsDeleted: true,
      validateCreate: ({ spec }) => [
        ...validateTemplateMetadata(spec?.metadata, path.child('metadata')),
        ...validateSpec(spec?.spec, path.child('spec'), selectors),
      ],
      validateUpdate: ({ spec }, old) => immutable(spec, old.spec, path),
    },
  });
}

function validateSpec(
  spec: { readonly devices?: DeviceClaim } | undefined,
  path: FieldPath,
  selectors: Selectors,
) {
  return validateDeviceClaim(spec?.devices, path.child('devices'), selectors);
}

/** One device is asked for where nothing else is said. */
function defaultDeviceClaim(claim: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable = [] } of claim?.requests ?? []) {
    for (const request of exactly ? [exactly, ...firstAvailable] : firstAvailable) {
      request.allocationMode ||= 'ExactCount';
      if (request.allocationMode === 'ExactCount') request.count ||= 1;
      for (const toleration of request.tolerations ?? []) toleration.operator ||= 'Equal';
    }
  }
}

/** What the drivers said of devices goes with them. */
function dropFreedDevices({ status }: ResourceClaim, old: ResourceClaim): void {
  const freed = old.status?.allocation?.devices?.results;
  if (status?.devices === undefined || status.allocation || freed === undefined) return;
  const ids = new Set(freed.map(deviceId));
  const kept = status.devices.filter(device => !ids.has(deviceId(device)));
  if (kept.length > 0) status.devices = kept;
  else delete status.devices;
}

function stateOf({ metadata, status }: ResourceClaim): string {
  const states: string[] = [];
  if (metadata.deletionTimestamp) states.push('deleted');
  if (status?.allocation) states.push('allocated');
  else if (!metadata.deletionTimestamp) states.push('pending');
  if (status?.allocation && status.reservedFor?.length) states.push('reserved');
  return states.join(',');
}
