import type {
  DownwardAPIVolumeFile,
  EmptyDirVolumeSource,
  HostPathVolumeSource,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from '../api/types-core-v1.ts';
import {
  duplicate,
  type FieldPath,
  forbiddenValue,
  invalidValue,
  required,
} from '../field-path.ts';
import { nameFindings } from '../label-validation.ts';
import { dns1123LabelErrors } from '../names.ts';
import { parseQuantity } from '../quantity.ts';
import type { FieldError } from '../status.ts';
import {
  fieldsPresent,
  validateNoBacksteps,
  validateOptionalChoice,
  validateProjectedPath,
  validateRequired,
} from './choice.ts';
import { validateClaimSpec } from './claim-validation.ts';
import {
  VOLUME_FIELDS,
  validateFieldRef,
  validateResourceFieldRef,
} from './field-selector-validation.ts';

export function validateVolumes(volumes: readonly Volume[], path: FieldPath): FieldError[] {
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, volume] of volumes.entries()) {
    const at = path.index(i);
    errors.push(...validateSource(volume, at));
    const { name = '' } = volume;
    if (!name) errors.push(required(at.child('name')));
    else errors.push(...nameFindings(at.child('name'), name, dns1123LabelErrors(name)));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
  }
  return errors;
}

function validateSource(volume: Volume, path: FieldPath): FieldError[] {
  const sources = fieldsPresent(volume, SOURCES);
  const first = sources[0];
  if (!first) return [required(path, 'must specify a volume type')];
  const at = path.child(first);
  const errors = validateRequired(volume[first] ?? {}, REQUIRED_FIELDS[first], at);
  errors.push(...validateDetails(volume, first, at));
  for (let i = 1; i < sources.length; i++) {
    const other = path.child(sources[i] ?? '');
    errors.push(forbiddenValue(other, 'may not specify more than 1 volume type'));
  }
  return errors;
}

/** What is to be said of one source beyond that it is complete. */
function validateDetails(volume: Volume, source: Source, path: FieldPath): FieldError[] {
  const { nfs, gitRepo, ephemeral, secret, configMap, downwardAPI, projected } = volume;
  switch (source) {
    case 'emptyDir':
      return validateEmptyDir(volume.emptyDir ?? {}, path);
    case 'hostPath':
      return volume.hostPath ? validateHostPath(volume.hostPath, path) : [];
    case 'nfs':
      return nfs?.path && !nfs.path.startsWith('/')
        ? [invalidValue(path.child('path'), nfs.path, 'must be an absolute path')]
        : [];
    case 'gitRepo':
      return validateProjectedPath(gitRepo?.directory ?? '', path.child('directory'));
    case 'secret':
    case 'configMap':
      return [
        ...validateMode((secret ?? configMap)?.defaultMode, path.child('defaultMode')),
        ...validateItems((secret ?? configMap)?.items ?? [], path.child('items')),
      ];
    case 'downwardAPI':
      return [
        ...validateMode(downwardAPI?.defaultMode, path.child('defaultMode')),
        ...validateDownwardItems(downwardAPI?.items ?? [], path.child('items')),
      ];
    case 'projected':
      return projected ? validateProjected(projected, path) : [];
    case 'ephemeral':
      return ephemeral?.volumeClaimTemplate
        ? validateClaimSpec(
            ephemeral.volumeClaimTemplate.spec ?? {},
            path.child('volumeClaimTemplate', 'spec'),
          )
        : [];
    default:
      return [];
  }
}

function validateEmptyDir({ sizeLimit }: EmptyDirVolumeSource, path: FieldPath): FieldError[] {
  if (sizeLimit === undefined || parseQuantity(sizeLimit).mantissa >= 0n) return [];
  const why = 'SizeLimit field must be a valid resource quantity';
  return [forbiddenValue(path.child('sizeLimit'), why)];
}

function validateHostPath(hostPath: HostPathVolumeSource, path: FieldPath): FieldError[] {
  const { type } = hostPath;
  return [
    ...validateNoBacksteps(hostPath.path ?? '', path.child('path')),
    ...(type ? validateOptionalChoice(type, HOST_PATH_TYPES, path.child('type')) : []),
  ];
}

function validateProjected(
  { defaultMode, sources = [] }: ProjectedVolumeSource,
  path: FieldPath,
): FieldError[] {
  const errors = validateMode(defaultMode, path.child('defaultMode'));
  for (const [i, source] of sources.entries()) {
    errors.push(...validateProjection(source, path.child('sources').index(i)));
  }
  return errors;
}

function validateProjection(source: VolumeProjection, path: FieldPath): FieldError[] {
  const projections = fieldsPresent(source, PROJECTIONS);
  const first = projections[0];
  if (!first) return [];
  const at = path.child(first);
  const errors = validateRequired(source[first] ?? {}, PROJECTION_FIELDS[first], at);
  const { secret, configMap, downwardAPI, serviceAccountToken: token } = source;
  if (first === 'downwardAPI') {
    errors.push(...validateDownwardItems(downwardAPI?.items ?? [], at.child('items')));
  } else if (first === 'serviceAccountToken' && token) {
    errors.push(...validateExpiration(token.expirationSeconds ?? 3_600, at));
    errors.push(...validateProjectedPath(token.path ?? '', at.child('path')));
  } else {
    errors.push(...validateItems((secret ?? configMap)?.items ?? [], at.child('items')));
  }
  for (let i = 1; i < projections.length; i++) {
    const other = path.child(projections[i] ?? '');
    errors.push(forbiddenValue(other, 'may not specify more than 1 volume type per source'));
  }
  return errors;
}

function validateExpiration(seconds: number, path: FieldPath): FieldError[] {
  const at = path.child('expirationSeconds');
  if (seconds < 600) {
    return [invalidValue(at, seconds, 'may not specify a duration less than 10 minutes')];
  }
  if (seconds <= 2 ** 32) return [];
  return [invalidValue(at, seconds, 'may not specify a duration larger than 2^32 seconds')];
}

function validateItems(items: readonly KeyToPath[], path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, item] of items.entries()) {
    const at = path.index(i);
    errors.push(...validateRequired(item, ITEM_FIELDS, at));
    errors.push(...validateProjectedPath(item.path ?? '', at.child('path')));
    if (item.mode !== undefined) errors.push(...validateMode(item.mode, at.child('mode')));
  }
  return errors;
}

function validateDownwardItems(
  items: readonly DownwardAPIVolumeFile[],
  parent: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, item] of items.entries()) {
    const path = parent.index(i);
    const { fieldRef, resourceFieldRef } = item;
    if (!item.path) errors.push(required(path.child('path')));
    errors.push(...validateProjectedPath(item.path ?? '', path.child('path')));
    if (fieldRef) {
      errors.push(...validateFieldRef(fieldRef, VOLUME_FIELDS, path.child('fieldRef')));
      if (resourceFieldRef) {
        const why = 'fieldRef and resourceFieldRef can not be specified simultaneously';
        errors.push(invalidValue(path, 'resource', why));
      }
    } else if (resourceFieldRef) {
      const at = path.child('resourceFieldRef');
      errors.push(...validateResourceFieldRef(resourceFieldRef, at, { inVolume: true }));
    } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
    if (item.mode !== undefined) errors.push(...validateMode(item.mode, path.child('mode')));
  }
  return errors;
}

function validateMode(mode: number | undefined, path: FieldPath): FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}

/** What each source cannot be without, in upstream's order of the sources. */
const REQUIRED_FIELDS = {
  emptyDir: [],
  hostPath: ['path'],
  gitRepo: ['repository'],
  gcePersistentDisk: ['pdName'],
  awsElasticBlockStore: ['volumeID'],
  secret: ['secretName'],
  nfs: ['server', 'path'],
  iscsi: ['targetPortal', 'iqn'],
  glusterfs: ['endpoints', 'path'],
  flocker: [],
  persistentVolumeClaim: ['claimName'],
  rbd: ['monitors', 'image'],
  cinder: ['volumeID'],
  cephfs: ['monitors'],
  downwardAPI: [],
  fc: [],
  flexVolume: ['driver'],
  configMap: ['name'],
  azureFile: ['secretName', 'shareName'],
  vsphereVolume: ['volumePath'],
  photonPersistentDisk: ['pdID'],
  portworxVolume: ['volumeID'],
  azureDisk: ['diskName', 'diskURI'],
  storageos: ['volumeName'],
  projected: [],
  scaleIO: ['gateway', 'system', 'volumeName'],
  quobyte: ['registry', 'volume'],
  csi: ['driver'],
  ephemeral: ['volumeClaimTemplate'],
  image: ['reference'],
} as const satisfies Partial<Record<keyof Volume, readonly string[]>>;
type Source = keyof typeof REQUIRED_FIELDS;
const SOURCES: ReadonlySet<Source> = new Set(Object.keys(REQUIRED_FIELDS) as Source[]);

const PROJECTION_FIELDS = {
  secret: ['name'],
  configMap: ['name'],
  downwardAPI: [],
  serviceAccountToken: ['path'],
  clusterTrustBundle: ['path'],
  podCertificate: ['signerName', 'keyType'],
} as const satisfies Record<keyof VolumeProjection, readonly string[]>;
const PROJECTIONS: ReadonlySet<keyof VolumeProjection> = new Set(
  Object.keys(PROJECTION_FIELDS) as (keyof VolumeProjection)[],
);
const ITEM_FIELDS = ['key', 'path'];

const HOST_PATH_TYPES = [
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
