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
  return volumes.flatMap((volume, i) => {
    const at = path.index(i);
    const errors = validateSource(volume, at);
    const { name = '' } = volume;
    if (!name) errors.push(required(at.child('name')));
    else errors.push(...nameFindings(at.child('name'), name, dns1123LabelErrors(name)));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    return errors;
  });
}

function validateSource(volume: Volume, path: FieldPath): FieldError[] {
  const [first, ...others] = SOURCES.filter(name => volume[name] !== undefined);
  if (!first) return [required(path, 'must specify a volume type')];
  const at = path.child(first);
  return [
    ...validateRequired(volume[first] ?? {}, REQUIRED_FIELDS[first], at),
    ...validateDetails(volume, first, at),
    ...others.map(name =>
      forbiddenValue(path.child(name), 'may not specify more than 1 volume type'),
    ),
  ];
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
  return [
    ...validateMode(defaultMode, path.child('defaultMode')),
    ...sources.flatMap((source, i) => validateProjection(source, path.child('sources').index(i))),
  ];
}

function validateProjection(source: VolumeProjection, path: FieldPath): FieldError[] {
  const [first, ...others] = PROJECTIONS.filter(name => source[name] !== undefined);
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
  return [
    ...errors,
    ...others.map(name =>
      forbiddenValue(path.child(name), 'may not specify more than 1 volume type per source'),
    ),
  ];
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
  return items.flatMap((item, i) => {
    const at = path.index(i);
    return [
      ...validateRequired(item, ['key', 'path'], at),
      ...validateProjectedPath(item.path ?? '', at.child('path')),
      ...validateMode(item.mode, at.child('mode')),
    ];
  });
}

function validateDownwardItems(
  items: readonly DownwardAPIVolumeFile[],
  parent: FieldPath,
): FieldError[] {
  return items.flatMap((item, i) => {
    const path = parent.index(i);
    const { fieldRef, resourceFieldRef } = item;
    const errors = validateRequired(item, ['path'], path);
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
    return [...errors, ...validateMode(item.mode, path.child('mode'))];
  });
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
const SOURCES = Object.keys(REQUIRED_FIELDS) as readonly Source[];

const PROJECTION_FIELDS = {
  secret: ['name'],
  configMap: ['name'],
  downwardAPI: [],
  serviceAccountToken: ['path'],
  clusterTrustBundle: ['path'],
  podCertificate: ['signerName', 'keyType'],
} as const satisfies Record<keyof VolumeProjection, readonly string[]>;
const PROJECTIONS = Object.keys(PROJECTION_FIELDS) as readonly (keyof typeof PROJECTION_FIELDS)[];

const HOST_PATH_TYPES = [
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
