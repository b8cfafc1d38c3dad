import { type Schema, type SchemaDefinition, schemaFrom } from '../schema.ts';
import type { JSONSchemaProps } from './properties.ts';

/** A custom resource's schema for the decoder, patches, managedFields, OpenAPI and rules. */
export function structureOf(props: JSONSchemaProps): Schema {
  return schemaFrom(withMetadata(props));
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** What every object has, which its schema need not say. */
function withMetadata(props: JSONSchemaProps): SchemaDefinition {
  const { apiVersion, kind, metadata: _metadata, ...own } = props.properties ?? {};
  const properties = {
    apiVersion: { ...API_VERSION, ...apiVersion },
    kind: { ...KIND, ...kind },
    metadata: { $ref: `#/definitions/${META}ObjectMeta` },
    ...own,
  };
  // Whatever else is in it stands in OpenAPI documents as it is.
  return { type: 'object', ...props, properties } as SchemaDefinition;
}

const API_VERSION = {
  description:
    'APIVersion defines the versioned schema of this representation of an object. Servers should ' +
    'convert recognized schemas to the latest internal value, and may reject unrecognized values. ' +
    'More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
  type: 'string',
};
const KIND = {
  description:
    'Kind is a string value representing the REST resource this object represents. Servers may ' +
    'infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. ' +
    'More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
  type: 'string',
};
