import type { ObjectMeta, OwnerReference } from '../../sdk/api/types-meta-v1.ts';
import {
  fieldPath,
  forbiddenValue,
  invalidValue,
  required,
  tooLong,
} from '../../sdk/field-path.ts';
import type { KubeObject, StringMap } from '../../sdk/kind.ts';
import type { KindDefinition } from '../../sdk/kind-definition.ts';
import { nameFindings } from '../../sdk/label-validation.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelKeyErrors,
  labelValueErrors,
  maskTrailingDash,
} from '../../sdk/names.ts';
import type { FieldError } from '../../sdk/status.ts';

/** What is wrong with an object's metadata, in upstream's order (ValidateObjectMeta). */
export function checkMetadata(
  { metadata }: KubeObject,
  kind: KindDefinition,
  old: KubeObject | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  if (old === undefined) errors.push(...checkNames(metadata, kind));
  const { labels, annotations, ownerReferences, finalizers } = metadata;
  if (labels) errors.push(...checkLabels(labels));
  if (annotations) errors.push(...checkAnnotations(annotations));
  if (ownerReferences) errors.push(...checkOwners(ownerReferences));
  if (finalizers) errors.push(...checkFinalizers(finalizers));
  if (old) errors.push(...checkDeletion(metadata, old.metadata));
  return errors;
}

function checkNames(metadata: KubeObject['metadata'], kind: KindDefinition): FieldError[] {
  const errors: FieldError[] = [];
  const { name, generateName, namespace } = metadata;
  if (generateName) errors.push(...checkName(generateName, kind, true));
  if (!name) {
    errors.push(required(META.child('name'), 'name or generateName is required'));
  } else {
    errors.push(...checkName(name, kind, false));
  }
  if (kind.namespaced && namespace) {
    const wrong = dns1123LabelErrors(namespace);
    if (wrong) errors.push(...nameFindings(META.child('namespace'), namespace, wrong));
  }
  return errors;
}

function checkName(name: string, { strategy }: KindDefinition, prefix: boolean): FieldError[] {
  const path = META.child(prefix ? 'generateName' : 'name');
  if (strategy.validateName) {
    const why = strategy.validateName(name, prefix);
    return why === undefined ? [] : [invalidValue(path, name, why)];
  }
  const wrong = dns1123SubdomainErrors(prefix ? maskTrailingDash(name) : name);
  return nameFindings(path, name, wrong);
}

function checkLabels(labels: StringMap): FieldError[] {
  const path = META.child('labels');
  const errors: FieldError[] = [];
  for (const key of Object.keys(labels)) {
    const value = labels[key] ?? '';
    const wrongKey = labelKeyErrors(key);
    if (wrongKey) errors.push(...nameFindings(path, key, wrongKey));
    const wrongValue = labelValueErrors(value);
    if (wrongValue) errors.push(...nameFindings(path, value, wrongValue));
  }
  return errors;
}

function checkAnnotations(annotations: StringMap): FieldError[] {
  const path = META.child('annotations');
  let size = 0;
  const errors: FieldError[] = [];
  for (const key of Object.keys(annotations)) {
    size += key.length + (annotations[key] ?? '').length;
    const wrong = labelKeyErrors(key.toLowerCase());
    if (wrong) errors.push(...nameFindings(path, key, wrong));
  }
  if (size > ANNOTATIONS_SIZE_MAX) errors.push(tooLong(path, ANNOTATIONS_SIZE_MAX));
  return errors;
}

function checkOwners(owners: readonly OwnerReference[]): FieldError[] {
  const path = META.child('ownerReferences');
  const errors = owners.flatMap(owner =>
    (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter(field => !owner[field])
      .map(field => invalidValue(path.child(field), owner[field] ?? '', 'must not be empty')),
  );
  const controllers = owners.filter(owner => owner.controller);
  if (controllers.length > 1) {
    const [first, second] = controllers.map(owner => owner.name);
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`;
    errors.push(invalidValue(path, owners, why));
  }
  return errors;
}

function checkFinalizers(finalizers: readonly string[]): FieldError[] {
  const path = META.child('finalizers');
  return finalizers.flatMap(finalizer =>
    (labelKeyErrors(finalizer) ?? []).map(why => invalidValue(path, finalizer, why)),
  );
}

/** A deletion is asked for by a delete alone, and then nothing more may hold the object. */
function checkDeletion(metadata: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  const { deletionTimestamp: time, deletionGracePeriodSeconds: grace } = metadata;
  const known = new Set(old.finalizers);
  const added = (metadata.finalizers ?? []).filter(each => !known.has(each));
  if (old.deletionTimestamp && added.length > 0) {
    const texts = [...new Set(added)].sort().map(each => JSON.stringify(each));
    const why =
      'no new finalizers can be added if the object is being deleted, ' +
      `found new finalizers []string{${texts.join(', ')}}`;
    errors.push(forbiddenValue(META.child('finalizers'), why));
  }
  if (time !== old.deletionTimestamp) {
    const shown = time?.replace('T', ' ').replace('Z', ' +0000 UTC');
    const message = `Invalid value: ${shown}: ${IMMUTABLE}`;
    errors.push({ reason: 'FieldValueInvalid', field: 'metadata.deletionTimestamp', message });
  }
  if (grace !== old.deletionGracePeriodSeconds) {
    errors.push(invalidValue(META.child('deletionGracePeriodSeconds'), grace, IMMUTABLE));
  }
  return errors;
}

const META = fieldPath('metadata');
const IMMUTABLE = 'field is immutable';
/** Of all keys and values together: upstream's 256 KiB. */
const ANNOTATIONS_SIZE_MAX = 256 * 1024;
