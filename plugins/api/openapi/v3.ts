import type { JsonNode, SchemaRef } from './definitions.ts';
import { type Operation, pathItems, type QueryParameter } from './operations.ts';
import { mapValues, STATUS_TEXT } from './v2.ts';

/** The OpenAPI 3.0 document of one group and version. */
export function v3Document(
  version: string,
  operations: readonly Operation[],
  definitions: ReadonlyMap<SchemaRef, JsonNode>,
): JsonNode {
  const schemas = [...definitions].map(([id, definition]) => [id, v3Schema(id, definition)]);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version },
    paths: pathItems(operations, { parameter: pathParameter, operation: v3Operation }),
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' },
      },
    },
    security: [{ BearerToken: [] }],
  };
}

const SCALARS: Readonly<Record<SchemaRef, JsonNode>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    oneOf: [{ type: 'string' }, { type: 'number' }],
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
};

function v3Schema(id: SchemaRef, definition: JsonNode): unknown {
  return SCALARS[id] ?? v3Node(definition);
}

/** References point elsewhere, and keys beside one are put around it, as JSON Schema demands. */
function v3Node(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(v3Node);
  if (typeof node !== 'object' || node === null) return node;
  const { $ref, ...rest } = node as JsonNode;
  if (typeof $ref !== 'string') return mapValues(node as JsonNode, v3Node);
  const target = reference($ref.slice($ref.lastIndexOf('/') + 1));
  return Object.keys(rest).length === 0 ? target : { ...mapValues(rest, v3Node), allOf: [target] };
}

function pathParameter(name: string): JsonNode {
  return { in: 'path', name, required: true, schema: { type: 'string', uniqueItems: true } };
}

function v3Operation(operation: Operation): JsonNode {
  const { body, bodyRequired, consumes, produces, responses } = operation;
  return {
    description: operation.description,
    operationId: operation.id,
    parameters: operation.query.map(queryParameter),
    ...(body && {
      requestBody: {
        content: contentOf(consumes, body),
        ...(bodyRequired ? { required: true } : {}),
      },
    }),
    responses: {
      ...mapValues(responses, (ref, code) => ({
        description: STATUS_TEXT[code],
        content: contentOf(produces, ref),
      })),
      '401': { description: 'Unauthorized' },
    },
    tags: [operation.tag],
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': operation.gvk,
  };
}

function contentOf(types: readonly string[], ref: SchemaRef): JsonNode {
  return Object.fromEntries(types.map(type => [type, { schema: reference(ref) }]));
}

function queryParameter({ name, type }: QueryParameter): JsonNode {
  return { in: 'query', name, schema: { type, uniqueItems: true } };
}

function reference(id: SchemaRef): JsonNode {
  return { $ref: `#/components/schemas/${id}` };
}
