import {
  builtInSchema,
  type CustomResourceDefinition,
  type CustomResourceDefinitionStatus,
  column,
  defineKind,
  dns1123SubdomainErrors,
  type KindDefinition,
  type KindStrategy,
  type KindVersion,
  NAME_COLUMN,
  type SchemaEngines,
  toTime,
} from 'kernetes/sdk';
import { tellStructure } from './structure-condition.ts';
import { v1beta1 } from './v1beta1.ts';
import {
  validateDefinition,
  validateNames,
  validatePreserved,
  validateStoredVersions,
  validateUpdate,
} from './validation.ts';

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export function customResourceDefinitions(engines: SchemaEngines): KindDefinition {
  const strategy = strategyOf(engines);
  return defineKind<CustomResourceDefinition>({
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    resource: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    namespaced: false,
    storage: {
      prefix: 'registry/apiextensions.k8s.io/customresourcedefinitions',
      version: 'v1',
    },
    versions: [V1, v1beta1(V1, strategy) as unknown as typeof V1],
    strategy,
  });
}

const V1: KindVersion<CustomResourceDefinition> = {
  name: 'v1',
  schema: builtInSchema('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition'),
  defaults: setDefaults,
  columns: [NAME_COLUMN, column('Created At', 0, 'date')],
  row: ({ metadata }) => [metadata.name ?? '', metadata.creationTimestamp ?? ''],
};

function strategyOf(engines: SchemaEngines): KindStrategy<CustomResourceDefinition> {
  return {
    status: true,
    generation: true,
    unconditionalUpdate: false,
    validateName: name => dns1123SubdomainErrors(name)?.join(','),
    prepareCreate: (definition, { clock }) => {
      prepareCreate(definition);
      tellStructure(definition, engines, clock.now());
    },
    prepareUpdate: (definition, _, { clock }) => {
      addStoredVersion(definition);
      tellStructure(definition, engines, clock.now());
    },
    prepareDelete,
    // Until `prepareDelete` has put the finalizer there.
    heldBy: definition => !isTerminating(definition),
    validate: definition => [
      ...validateDefinition(definition, engines),
      ...validateNames(definition.status?.acceptedNames, 'status.acceptedNames'),
      ...validateStoredVersions(definition),
    ],
    validateCreate: definition => validatePreserved(definition),
    validateUpdate,
    validateStatusUpdate: ({ status }) =>
      validateNames(status?.acceptedNames, 'status.acceptedNames'),
  };
}

export function setDefaults(definition: CustomResourceDefinition): void {
  // What a Go struct always has, so that nothing after this need ask.
  definition.spec ??= { group: '', names: { kind: '', plural: '' }, scope: '', versions: [] };
  const { spec } = definition;
  spec.names ??= { kind: '', plural: '' };
  spec.versions ??= [];
  const { names } = spec;
  if (!names.singular) names.singular = (names.kind ?? '').toLowerCase();
  if (!names.listKind && names.kind) names.listKind = `${names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service && service.port === undefined) service.port = 443;
  for (const version of spec.versions) {
    const { scale } = version.subresources ?? {};
    if (scale?.labelSelectorPath === '') delete scale.labelSelectorPath;
  }
}

function prepareCreate(definition: CustomResourceDefinition): void {
  definition.status = {
    conditions: null as never,
    acceptedNames: { plural: '', kind: '' },
    storedVersions: [],
  };
  addStoredVersion(definition);
}

/** What is written from now on may be found in the database. */
function addStoredVersion(definition: CustomResourceDefinition): void {
  definition.status ??= {};
  const status: CustomResourceDefinitionStatus = definition.status;
  const stored = [...(status.storedVersions ?? [])];
  for (const { name, storage } of definition.spec?.versions ?? []) {
    if (storage && !stored.includes(name)) stored.push(name);
  }
  status.storedVersions = stored;
}

/** The objects go before their definition does. */
function prepareDelete(
  definition: CustomResourceDefinition,
  { clock }: { readonly clock: { now(): number } },
): void {
  definition.status ??= {};
  const conditions = definition.status.conditions ?? [];
  if (isTerminating(definition)) return;
  const { metadata } = definition;
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(CLEANUP_FINALIZER))
    metadata.finalizers = [...finalizers, CLEANUP_FINALIZER];
  const message =
    'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon';
  definition.status.conditions = [
    ...conditions,
    {
      type: 'Terminating',
      status: 'True',
      lastTransitionTime: toTime(clock.now()),
      reason: 'InstanceDeletionPending',
      message,
    },
  ];
}

function isTerminating({ status }: CustomResourceDefinition): boolean {
  return (status?.conditions ?? []).some(({ type }) => type === 'Terminating');
}
