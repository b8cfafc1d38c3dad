import type { EnvFromSource, EnvVar, EnvVarSource } from '../api/types-core-v1.ts';
import { type FieldPath, invalidValue, required } from '../field-path.ts';
import { nameFindings } from '../label-validation.ts';
import { configMapKeyErrors, envVarNameErrors } from '../names.ts';
import type { FieldError } from '../status.ts';
import { validateProjectedPath, validateRequired } from './choice.ts';
import {
  ENV_FIELDS,
  validateFieldRef,
  validateResourceFieldRef,
} from './field-selector-validation.ts';

export function validateEnv(env: readonly EnvVar[], path: FieldPath): FieldError[] {
  return env.flatMap((variable, i) => validateVariable(variable, path.index(i)));
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: FieldPath): FieldError[] {
  return sources.flatMap((source, i) => validateSource(source, path.index(i)));
}

function validateVariable({ name, value, valueFrom }: EnvVar, path: FieldPath): FieldError[] {
  const at = path.child('name');
  const errors = name ? nameFindings(at, name, envVarNameErrors(name)) : [required(at)];
  if (!valueFrom) return errors;
  return [...errors, ...validateValueFrom(valueFrom, value ?? '', path.child('valueFrom'))];
}

function validateValueFrom(source: EnvVarSource, value: string, path: FieldPath): FieldError[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  const errors: FieldError[] = [];
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, ENV_FIELDS, path.child('fieldRef')));
  if (resourceFieldRef) {
    const at = path.child('resourceFieldRef');
    errors.push(...validateResourceFieldRef(resourceFieldRef, at, { inVolume: false }));
  }
  if (configMapKeyRef)
    errors.push(...validateKeyRef(configMapKeyRef, path.child('configMapKeyRef')));
  if (secretKeyRef) errors.push(...validateKeyRef(secretKeyRef, path.child('secretKeyRef')));
  if (fileKeyRef) {
    const at = path.child('fileKeyRef');
    errors.push(...validateRequired(fileKeyRef, ['volumeName', 'path', 'key'], at));
    errors.push(...validateProjectedPath(fileKeyRef.path ?? '', at.child('path')));
  }
  const count = SOURCES.filter(name => source[name] !== undefined).length;
  if (count === 0) errors.push(invalidValue(path, '', `must specify one of: ${SOURCES_TEXT}`));
  else if (value !== '') {
    errors.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  } else if (count > 1) errors.push(invalidValue(path, '', ONE_ONLY));
  return errors;
}

function validateKeyRef(
  { name, key }: { name?: string; key: string },
  path: FieldPath,
): FieldError[] {
  const errors = name ? [] : [required(path.child('name'))];
  if (!key) return [...errors, required(path.child('key'))];
  return [...errors, ...nameFindings(path.child('key'), key, configMapKeyErrors(key))];
}

function validateSource(source: EnvFromSource, path: FieldPath): FieldError[] {
  const { prefix, configMapRef, secretRef } = source;
  const errors = prefix ? nameFindings(path.child('prefix'), prefix, envVarNameErrors(prefix)) : [];
  if (configMapRef && !configMapRef.name) errors.push(required(path.child('configMapRef', 'name')));
  if (secretRef && !secretRef.name) errors.push(required(path.child('secretRef', 'name')));
  if (!configMapRef && !secretRef) {
    errors.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
  } else if (configMapRef && secretRef) errors.push(invalidValue(path, '', ONE_ONLY));
  return errors;
}

const ONE_ONLY = 'may not have more than one field specified at a time';
const SOURCES = [
  'fieldRef',
  'resourceFieldRef',
  'configMapKeyRef',
  'secretKeyRef',
  'fileKeyRef',
] as const;
const SOURCES_TEXT =
  '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
