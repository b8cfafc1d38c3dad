import type { Cluster } from 'kernetes';
import {
  CustomResourceDefinition,
  type CustomResourceDefinitionSpec,
  type CustomResourceDefinitionVersion,
  type JSONSchemaProps,
} from 'kernetes/sdk';

export interface CrdOptions extends Partial<CustomResourceDefinitionSpec> {
  readonly group: string;
  readonly kind: string;
  /** Absent: of the kind, with an s. */
  readonly plural?: string;
}

export interface VersionOptions extends Partial<CustomResourceDefinitionVersion> {
  /** Of its objects. */
  readonly properties?: Record<string, JSONSchemaProps>;
}

type Named = CustomResourceDefinition & { readonly metadata: { readonly name: string } };

/** A definition of a namespaced custom resource, in the version v1 unless others are given. */
export function crdOf({ group, kind, plural: given, ...more }: CrdOptions): Named {
  const plural = given ?? `${kind.toLowerCase()}s`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [versionOf('v1')],
      ...more,
    },
  };
}

/** A version that is served; v1 is the one that is stored. */
export function versionOf(
  name: string,
  { properties, ...more }: VersionOptions = {},
): CustomResourceDefinitionVersion {
  const openAPIV3Schema = { type: 'object', ...(properties && { properties }) };
  return { name, served: true, storage: name === 'v1', schema: { openAPIV3Schema }, ...more };
}

/** Makes the definition, and waits until its objects can be made. */
export async function establish(cluster: Cluster, definition: Named): Promise<void> {
  await cluster.objects.create(CustomResourceDefinition, definition);
  await untilEstablished(cluster, definition.metadata.name);
}

export async function untilEstablished(cluster: Cluster, name: string): Promise<void> {
  await cluster.until({ kind: CustomResourceDefinition, name }, ({ status }) =>
    (status?.conditions ?? []).some(
      ({ type, status }) => type === 'Established' && status === 'True',
    ),
  );
}
