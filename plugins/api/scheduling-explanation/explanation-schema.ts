import type { SchemaDefinition } from 'kernetes/sdk';

/** What `kubectl explain` tells, and OpenAPI; nobody writes the kind. */
export const EXPLANATION_SCHEMA: SchemaDefinition = {
  type: 'object',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
    schedulerName: { type: 'string' },
    state: { type: 'string' },
    waitsFor: listOf({ type: 'string' }),
    attempts: listOf({
      type: 'object',
      properties: {
        number: { type: 'integer', format: 'int32' },
        time: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime' },
        outcome: { type: 'string' },
        nodeName: { type: 'string' },
        message: { type: 'string' },
        filters: listOf({ type: 'string' }),
        scores: listOf({
          type: 'object',
          properties: {
            plugin: { type: 'string' },
            weight: { type: 'integer', format: 'int32' },
          },
        }),
        nodes: listOf({
          type: 'object',
          properties: {
            name: { type: 'string' },
            verdict: { type: 'string' },
            plugin: { type: 'string' },
            reasons: listOf({ type: 'string' }),
            raw: listOf({ type: 'number' }),
            normalized: listOf({ type: 'number' }),
            total: { type: 'number' },
          },
        }),
      },
    }),
  },
};

function listOf(items: SchemaDefinition): SchemaDefinition {
  return { type: 'array', items };
}
