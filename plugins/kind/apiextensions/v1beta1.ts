import {
  type apiextensionsV1beta1,
  builtInSchema,
  type CustomResourceDefinition,
  type CustomResourceDefinitionSpec,
  type CustomResourceDefinitionVersion,
  defineVersion,
  type FieldError,
  invalidValue,
  type KindDefinition,
  type KindStrategy,
  type KindVersion,
} from 'kernetes/sdk';
import { commonOf, SPEC } from './versions.ts';

export type OldDefinition = apiextensionsV1beta1.CustomResourceDefinition;
type OldSpec = OldDefinition['spec'];
type OldVersion = apiextensionsV1beta1.CustomResourceDefinitionVersion;

/**
 * The first form: what every version has alike stands at the top, and a schema may be anything, or
 * absent, as long as `preserveUnknownFields` is not taken back.
 */
export function v1beta1(
  now: KindVersion<CustomResourceDefinition>,
  strategy: KindStrategy<CustomResourceDefinition>,
): KindVersion {
  return defineVersion<OldDefinition>({
    ...(now as unknown as KindVersion<OldDefinition>),
    name: 'v1beta1',
    schema: builtInSchema('apiextensions.k8s.io', 'v1beta1', 'CustomResourceDefinition'),
    releases: { until: 21 },
    deprecation:
      'apiextensions.k8s.io/v1beta1 CustomResourceDefinition is deprecated in v1.16+, unavailable ' +
      'in v1.22+; use apiextensions.k8s.io/v1 CustomResourceDefinition',
    defaults: setDefaults,
    toStorage: fromV1beta1,
    fromStorage: definition => toV1beta1(definition as unknown as CustomResourceDefinition),
    own: { strategy: oldStrategy(strategy) as KindDefinition<OldDefinition>['strategy'] },
  });
}

/** Takes its argument over. */
export function fromV1beta1(definition: OldDefinition): CustomResourceDefinition {
  const { spec } = definition;
  const { version: _, versions = [], conversion, preserveUnknownFields, ...rest } = spec;
  const { validation, subresources, additionalPrinterColumns: columns, ...own } = rest;
  const newer = {
    ...own,
    ...(preserveUnknownFields && { preserveUnknownFields }),
    versions: versions.map(version => {
      return versionFrom(version, structuredClone({ validation, subresources, columns }));
    }),
    ...(conversion && { conversion: conversionFrom(conversion) }),
  } as CustomResourceDefinitionSpec;
  return { ...definition, spec: newer } as CustomResourceDefinition;
}

export function toV1beta1(definition: CustomResourceDefinition): OldDefinition {
  const { versions, conversion, preserveUnknownFields = false, ...rest } = definition.spec;
  const schema = commonOf(versions, 'schema');
  const subresources = commonOf(versions, 'subresources');
  const columns = commonOf(versions, 'additionalPrinterColumns');
  const older = {
    ...rest,
    preserveUnknownFields,
    ...(versions[0] && { version: versions[0].name }),
    ...(schema && { validation: schema }),
    ...(subresources && { subresources }),
    ...(columns && { additionalPrinterColumns: columns.map(columnTo) }),
    versions: versions.map(version => versionTo(version, { schema, subresources, columns })),
    ...(conversion && { conversion: conversionTo(conversion) }),
  } as OldSpec;
  return { ...definition, spec: older } as OldDefinition;
}

function setDefaults(definition: OldDefinition): void {
  definition.spec ??= { group: '', names: { kind: '', plural: '' }, scope: '' };
  const { spec } = definition;
  spec.scope ||= 'Namespaced';
  spec.names ??= { kind: '', plural: '' };
  const { names } = spec;
  if (!names.singular) names.singular = (names.kind ?? '').toLowerCase();
  if (!names.listKind && names.kind) names.listKind = `${names.kind}List`;
  spec.versions ??= [];
  if (spec.versions.length === 0 && spec.version) {
    spec.versions = [{ name: spec.version, served: true, storage: true }];
  }
  const [first] = spec.versions;
  if (!spec.version && first) spec.version = first.name;
  spec.preserveUnknownFields ??= true;
  spec.conversion ??= { strategy: 'None' };
  const { conversion } = spec;
  if (conversion.strategy !== 'Webhook') return;
  if ((conversion.conversionReviewVersions ?? []).length === 0) {
    conversion.conversionReviewVersions = ['v1beta1'];
  }
  const service = conversion.webhookClientConfig?.service;
  if (service) service.port ??= 443;
}

/** What is told of the one form is told of the other: its status and names are the same. */
function oldStrategy(
  strategy: KindStrategy<CustomResourceDefinition>,
): KindStrategy<OldDefinition> {
  const newer = (definition: OldDefinition) => fromV1beta1(structuredClone(definition));
  return {
    ...(strategy as unknown as KindStrategy<OldDefinition>),
    prepareCreate(definition, context) {
      const as = newer(definition);
      strategy.prepareCreate?.(as, context);
      if (as.status) definition.status = as.status;
    },
    prepareUpdate(definition, old, context) {
      const as = newer(definition);
      strategy.prepareUpdate?.(as, newer(old), context);
      if (as.status) definition.status = as.status;
    },
    validate: definition => [
      ...validateOnce(definition.spec),
      ...(strategy.validate?.(newer(definition)) ?? []),
    ],
    validateCreate: () => [],
    // Here, unlike in v1, fields that nobody specifies may be kept.
    validateUpdate: (definition, old) => {
      const was = newer(old);
      was.spec.preserveUnknownFields = true;
      return strategy.validateUpdate?.(newer(definition), was) ?? [];
    },
  };
}

function validateOnce({
  version,
  versions = [],
  validation,
  subresources,
  additionalPrinterColumns: columns,
}: OldSpec): FieldError[] {
  const path = SPEC.child('versions');
  const twice = (top: unknown, field: keyof OldVersion, what: string) =>
    top !== undefined && versions.some(each => each[field] !== undefined)
      ? [invalidValue(path, versions, `top-level and per-version ${what} are mutually exclusive`)]
      : [];
  return [
    ...(version && versions[0] && versions[0].name !== version
      ? [
          invalidValue(
            SPEC.child('version'),
            version,
            'must match the first version in spec.versions',
          ),
        ]
      : []),
    ...twice(validation, 'schema', 'schemas'),
    ...twice(subresources, 'subresources', 'subresources'),
    ...twice(columns, 'additionalPrinterColumns', 'additionalPrinterColumns'),
  ];
}

interface Top {
  readonly validation: OldSpec['validation'] | undefined;
  readonly subresources: OldSpec['subresources'] | undefined;
  readonly columns: OldSpec['additionalPrinterColumns'] | undefined;
}

function versionFrom(version: OldVersion, top: Top): CustomResourceDefinitionVersion {
  const { schema = top.validation, subresources = top.subresources, ...rest } = version;
  const { additionalPrinterColumns: columns = top.columns, ...own } = rest;
  return {
    ...own,
    ...(schema && { schema }),
    ...(subresources && { subresources }),
    ...(columns && {
      additionalPrinterColumns: columns.map(({ JSONPath: jsonPath, ...each }) => {
        return { ...each, jsonPath };
      }),
    }),
  } as CustomResourceDefinitionVersion;
}

interface Common {
  readonly schema: unknown;
  readonly subresources: unknown;
  readonly columns: unknown;
}

function versionTo(version: CustomResourceDefinitionVersion, common: Common): OldVersion {
  const { schema, subresources, additionalPrinterColumns: columns, ...own } = version;
  return {
    ...own,
    ...(schema && !common.schema && { schema }),
    ...(subresources && !common.subresources && { subresources }),
    ...(columns && !common.columns && { additionalPrinterColumns: columns.map(columnTo) }),
  } as OldVersion;
}

type Columns = NonNullable<CustomResourceDefinitionVersion['additionalPrinterColumns']>;

function columnTo({ jsonPath, ...each }: Columns[number]) {
  return { ...each, JSONPath: jsonPath };
}

function conversionFrom(conversion: NonNullable<OldSpec['conversion']>) {
  const { strategy, webhookClientConfig: clientConfig, conversionReviewVersions } = conversion;
  if (clientConfig === undefined && conversionReviewVersions === undefined) return { strategy };
  const webhook = {
    ...(clientConfig && { clientConfig }),
    conversionReviewVersions: conversionReviewVersions ?? [],
  };
  return { strategy, webhook };
}

function conversionTo({
  strategy,
  webhook,
}: NonNullable<CustomResourceDefinitionSpec['conversion']>) {
  const { clientConfig, conversionReviewVersions } = webhook ?? {};
  return {
    strategy,
    ...(clientConfig && { webhookClientConfig: clientConfig }),
    ...(conversionReviewVersions && { conversionReviewVersions }),
  };
}
