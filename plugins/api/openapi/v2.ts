import type { JsonNode, SchemaRef } from './definitions.ts';
import { type Operation, pathItems, type QueryParameter } from './operations.ts';

/** The paths of a Swagger 2.0 document. */
export function v2Paths(operations: readonly Operation[]): Record<string, JsonNode> {
  return pathItems(operations, { parameter: pathParameter, operation: v2Operation });
}

/** A Swagger 2.0 document. */
export function v2Document(
  version: string,
  paths: JsonNode,
  definitions: ReadonlyMap<SchemaRef, JsonNode>,
): JsonNode {
  const schemas = [...definitions].map(
    ([id, definition]) => [id, v2Definition(definition)] as const,
  );
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version },
    paths,
    definitions: Object.fromEntries(schemas),
    securityDefinitions: {
      BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  };
}

/**
 * Reduces a schema of a custom resource to what Swagger 2.0 can say, in a way that clients neither
 * refuse a good object nor choke: where a field's content is open or null is allowed, the field is
 * left untyped. Kubernetes' own definitions pass unchanged.
 */
export function v2Schema(schema: JsonNode): JsonNode {
  const isOpen =
    schema.nullable === true ||
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    schema['x-kubernetes-int-or-string'] === true;
  const kept = Object.entries(schema).flatMap(([key, value]) => {
    const isSaid = isOpen ? DESCRIBING.has(key) : DESCRIBING.has(key) || CONSTRAINING.has(key);
    return isSaid || key.startsWith('x-') ? [[key, v2Child(key, value)] as const] : [];
  });
  return Object.fromEntries(kept);
}

/** A definition stays an object even when its content is open: clients look kinds up by it. */
function v2Definition(definition: JsonNode): JsonNode {
  const { type } = definition;
  return type === 'object' ? { ...v2Schema(definition), type } : v2Schema(definition);
}

const DESCRIBING: ReadonlySet<string> = new Set([
  '$ref',
  'default',
  'description',
  'example',
  'externalDocs',
  'title',
]);
const CONSTRAINING: ReadonlySet<string> = new Set([
  'additionalProperties',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'items',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'multipleOf',
  'pattern',
  'properties',
  'required',
  'type',
  'uniqueItems',
]);

function v2Child(key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (key === 'items' || key === 'additionalProperties') return v2Schema(value as JsonNode);
  if (key !== 'properties') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, property]) => [name, v2Schema(property as JsonNode)]),
  );
}

function pathParameter(name: string): JsonNode {
  return { in: 'path', name, required: true, type: 'string', uniqueItems: true };
}

function v2Operation(operation: Operation): JsonNode {
  const { body, bodyRequired, responses } = operation;
  const bodyParameter = body && {
    in: 'body',
    name: 'body',
    ...(bodyRequired ? { required: true } : {}),
    schema: reference(body),
  };
  return {
    consumes: operation.consumes,
    description: operation.description,
    operationId: operation.id,
    parameters: [...(bodyParameter ? [bodyParameter] : []), ...operation.query.map(queryParameter)],
    produces: operation.produces,
    responses: {
      ...mapValues(responses, (ref, code) => ({
        description: STATUS_TEXT[code],
        schema: reference(ref),
      })),
      '401': { description: 'Unauthorized' },
    },
    schemes: ['https'],
    tags: [operation.tag],
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.gvk,
  };
}

export const STATUS_TEXT: Readonly<Record<string, string>> = {
  '200': 'OK',
  '201': 'Created',
  '202': 'Accepted',
};

export function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T, key: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

function queryParameter({ name, type }: QueryParameter): JsonNode {
  return { in: 'query', name, type, uniqueItems: true };
}

function reference(id: SchemaRef): JsonNode {
  return { $ref: `#/definitions/${id}` };
}
