import {
  ALL_VERBS,
  type CustomResourceDefinition,
  type CustomResourceDefinitionVersion,
  compileJsonPath,
  type KindDefinition,
  type KindVersion,
  type KubeObject,
  type SchemaEngines,
} from 'kernetes/sdk';
import { isConditionTrue } from './conditions.ts';
import { servedVersions } from './conversion.ts';
import { CustomSchema } from './custom-schema.ts';
import { scaleSubresource } from './scale.ts';
import { strategyOf } from './strategy.ts';
import { printerOf } from './table.ts';
import type { Convert } from './webhook-converter.ts';

/** The kind that a definition with accepted names defines. Nothing is compiled yet. */
export function kindOf(
  definition: CustomResourceDefinition,
  engines: SchemaEngines,
  convert?: Convert,
): KindDefinition {
  const { spec, status } = definition;
  const names = status?.acceptedNames ?? spec.names;
  const stored = spec.versions.find(({ storage }) => storage) ?? spec.versions[0];
  const storedSchema = schemaOf(spec, stored, engines);
  const versions = servedVersions(spec).map(version =>
    versionOf(definition, version, version === stored ? storedSchema : undefined, engines),
  );
  const { shortNames, categories } = names;
  return {
    group: spec.group,
    kind: names.kind,
    // Not from the status, which may say anything: of whose objects else would it dispose?
    resource: spec.names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    ...(shortNames && { shortNames }),
    ...(categories && { categories }),
    namespaced: spec.scope === 'Namespaced',
    storage: {
      prefix: `registry/${spec.group}/${spec.names.plural}`,
      version: stored?.name ?? '',
      earlier: spec.versions.map(({ name }) => name).filter(name => name !== stored?.name),
      refresh: object => storedSchema.refresh(object),
    },
    versions,
    ...(convert && { convert }),
    ...(isConditionTrue(definition, 'Terminating') && {
      verbs: ALL_VERBS.filter(verb => verb !== 'create'),
    }),
    strategy: versions[0]?.own?.strategy ?? {},
  };
}

function versionOf(
  { spec }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  known: CustomSchema | undefined,
  engines: SchemaEngines,
): KindVersion {
  const { name, subresources, deprecated, deprecationWarning } = version;
  const schema = known ?? schemaOf(spec, version, engines);
  const { scale } = subresources ?? {};
  const apiVersion = `${spec.group}/${name}`;
  return {
    name,
    get schema() {
      return schema.structure;
    },
    defaults: object => schema.setDefaults(object),
    ...printerOf(version.additionalPrinterColumns),
    ...(deprecated && {
      deprecation: deprecationWarning ?? `${apiVersion} ${spec.names.kind} is deprecated`,
    }),
    own: {
      strategy: strategyOf(schema, subresources),
      ...(scale && { subresources: [scaleSubresource(scale)] }),
      selectableFields: Object.fromEntries(
        (version.selectableFields ?? []).map(({ jsonPath }) => selectable(jsonPath)),
      ),
    },
  };
}

function schemaOf(
  { preserveUnknownFields: isFree = false }: CustomResourceDefinition['spec'],
  version: CustomResourceDefinitionVersion | undefined,
  engines: SchemaEngines,
): CustomSchema {
  return new CustomSchema(version?.schema?.openAPIV3Schema ?? {}, engines, { isFree });
}

function selectable(jsonPath: string): [string, (object: KubeObject) => string] {
  const read = compileJsonPath(jsonPath);
  return [jsonPath.slice(1), object => String(read(object)[0] ?? '')];
}
