import { isDeepStrictEqual } from 'node:util';
import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  type DeviceClass,
  defineKind,
  type FieldError,
  fieldPath,
  invalidValue,
  isExtendedResource,
  type KindDefinition,
  NAME_COLUMN,
} from 'kernetes/sdk';
import { CONFIG_MAX, validateConfiguration } from './device-configuration.ts';
import { validateList } from './lists.ts';
import type { Selectors } from './selectors.ts';

const SPEC = fieldPath('spec');

export function deviceClasses(selectors: Selectors): KindDefinition {
  return defineKind<DeviceClass>({
    group: 'resource.k8s.io',
    kind: 'DeviceClass',
    resource: 'deviceclasses',
    singular: 'deviceclass',
    namespaced: false,
    storage: { prefix: 'registry/deviceclasses', version: 'v1' },
    versions: [
      {
        name: 'v1',
        schema: builtInSchema('resource.k8s.io', 'v1', 'DeviceClass'),
        releases: { since: 34 },
        columns: [NAME_COLUMN, AGE_COLUMN],
        row: (deviceClass, now) => [deviceClass.metadata.name ?? '', ageCell(deviceClass, now)],
      },
    ],
    strategy: {
      returnsDeleted: true,
      generation: true,
      validate: validateClass,
      validateCreate: ({ spec }) => selectors.validate(spec?.selectors, SPEC.child('selectors')),
      // What is kept was right once, and need not be so by the rules of now.
      validateUpdate: ({ spec }, old) =>
        isDeepStrictEqual(spec?.selectors, old.spec?.selectors)
          ? []
          : selectors.validate(spec?.selectors, SPEC.child('selectors')),
    },
  });
}

function validateClass({ spec }: DeviceClass): FieldError[] {
  const { config, extendedResourceName } = spec ?? {};
  const path = SPEC.child('extendedResourceName');
  return [
    ...validateList(config, { max: CONFIG_MAX, path: SPEC.child('config') }, validateConfiguration),
    ...(extendedResourceName === undefined || isExtendedResource(extendedResourceName)
      ? []
      : [invalidValue(path, extendedResourceName, 'must be a valid extended resource name')]),
  ];
}
