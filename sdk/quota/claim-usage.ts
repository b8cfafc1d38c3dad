import type { PersistentVolumeClaim } from '../api/types-core-v1.ts';
import { compareQuantities, type ParsedQuantity, parseQuantity } from '../quantity.ts';
import type { QuotaEvaluator } from './evaluator.ts';
import type { Scopes } from './scopes.ts';
import { countOf, type Usage } from './usage.ts';

export const claimEvaluator: QuotaEvaluator<PersistentVolumeClaim> = {
  fields: [
    'spec.storageClassName',
    'spec.resources',
    'spec.volumeAttributesClassName',
    'status.allocatedResources',
    'status.currentVolumeAttributesClassName',
    'status.modifyVolumeStatus',
  ],
  watchesUpdates: true,
  counts: name => name === COUNT || OWN.some(own => name === own || name.endsWith(OF_CLASS + own)),
  usage: claimUsage,
  scopes: claimScopes,
};

function claimUsage(claim: PersistentVolumeClaim): Usage {
  const usage = new Map([
    [COUNT, countOf(1)],
    [CLAIMS, countOf(1)],
  ]);
  const storage = storageOf(claim);
  if (storage) usage.set(STORAGE, storage);
  const { annotations = {} } = claim.metadata;
  const className = annotations[CLASS_ANNOTATION] ?? claim.spec?.storageClassName;
  if (!className) return usage;
  usage.set(className + OF_CLASS + CLAIMS, countOf(1));
  if (storage) usage.set(className + OF_CLASS + STORAGE, storage);
  return usage;
}

/** In whole bytes. What an expansion that was taken back has got already still counts. */
function storageOf({ spec, status }: PersistentVolumeClaim): ParsedQuantity | undefined {
  const asked = spec?.resources?.requests?.storage;
  if (asked === undefined) return undefined;
  const wanted = parseQuantity(asked);
  const allocated = parseQuantity(status?.allocatedResources?.storage ?? '0');
  return roundedUp(compareQuantities(allocated, wanted) > 0 ? allocated : wanted);
}

function roundedUp(quantity: ParsedQuantity): ParsedQuantity {
  if (quantity.scale >= 0) return quantity;
  const one = 10n ** BigInt(-quantity.scale);
  const whole = quantity.mantissa / one;
  const mantissa = quantity.mantissa % one > 0n ? whole + 1n : whole;
  return { ...quantity, mantissa, scale: 0 };
}

/** A claim that changes its class is in the old and the new one. */
function claimScopes({ spec, status }: PersistentVolumeClaim): Scopes {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].flatMap(name => name || []);
  return new Map([['VolumeAttributesClass', [...new Set(names)]]]);
}

const COUNT = 'count/persistentvolumeclaims';
const CLAIMS = 'persistentvolumeclaims';
const STORAGE = 'requests.storage';
const OWN = [CLAIMS, STORAGE];
/** `gold.storageclass.storage.k8s.io/requests.storage` */
const OF_CLASS = '.storageclass.storage.k8s.io/';
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
