import {
  AGE_COLUMN,
  ageCell,
  ConfigMap,
  column,
  type FieldError,
  fieldPath,
  invalidValue,
  NAME_COLUMN,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';
import { decodedLength, validateImmutable, validateKeys, validateSize } from './key-value.ts';

export const configMaps = coreKind<ConfigMap>(ConfigMap, {
  shortNames: ['cm'],
  columns: [NAME_COLUMN, column('Data'), AGE_COLUMN],
  row: (configMap, now) => [
    configMap.metadata.name ?? '',
    Object.keys(configMap.data ?? {}).length + Object.keys(configMap.binaryData ?? {}).length,
    ageCell(configMap, now),
  ],
  strategy: {
    validate: validateConfigMap,
    validateUpdate: validateImmutable,
  },
});

function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors = validateKeys(data, 'data');
  for (const key of Object.keys(data).sort()) {
    if (Object.hasOwn(binaryData, key)) {
      errors.push(
        invalidValue(fieldPath('data').key(key), key, 'duplicate of key present in binaryData'),
      );
    }
  }
  errors.push(...validateKeys(binaryData, 'binaryData'));
  let bytes = 0;
  for (const value of Object.values(data)) bytes += Buffer.byteLength(value);
  for (const value of Object.values(binaryData)) bytes += decodedLength(value);
  return [...errors, ...validateSize(bytes, '')];
}
