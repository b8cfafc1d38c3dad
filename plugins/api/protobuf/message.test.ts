import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Schema, schemaById } from 'kernetes/sdk';
import { FIELD_NUMBERS } from './field-numbers.ts';
import { type Field, type Message, messageOf } from './message.ts';

const ids = FIELD_NUMBERS.trim()
  .split('\n')
  .map(line => line.slice(0, line.indexOf(' ')));
const schemas = ids.map(schemaById).filter(schema => schema !== undefined);

describe('every message', () => {
  it('is a definition, or is embedded in one', () => {
    const embedded = ids.filter(id => schemaById(id) === undefined);
    for (const id of embedded) {
      const name = id.slice(id.lastIndexOf('.') + 1);
      assert.match(FIELD_NUMBERS, new RegExp(` \\.\\.\\.${name}=`), id);
    }
  });

  it('has all fields of its definition once, but for apiVersion and kind', () => {
    for (const schema of schemas) {
      const names = fieldsOf(messageOf(schema)).map(({ name }) => name);
      const wanted = [...schema.properties.keys()].filter(name => !isTypeMeta(schema, name));
      assert.deepEqual(names.sort(), wanted.sort(), schema.id);
    }
  });

  it('has numbers that protobuf allows, each once', () => {
    for (const line of FIELD_NUMBERS.trim().split('\n')) {
      const numbers = [...line.matchAll(/=(\d+)/g)].map(([, number]) => Number(number));
      assert.ok(
        numbers.every(number => number > 0 && number < 19_000),
        line,
      );
      assert.equal(new Set(numbers).size, numbers.length, line);
    }
  });

  it('leads only to messages, and never back to itself', () => {
    const done = new Set<Schema>();
    for (const schema of schemas) visit(schema, [], done);
  });
});

it('messageOf() knows no custom resources, and not their definitions', () => {
  assert.equal(messageOf({ ...nodeOf('io.k8s.api.core.v1.Pod'), id: undefined }), undefined);
  const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
  assert.equal(messageOf(nodeOf(`${extensions}.CustomResourceDefinition`)), undefined);
});

/** Kinds have them, and the envelope says what they are; elsewhere they are fields like others. */
function isTypeMeta(schema: Schema, name: string): boolean {
  return (
    (name === 'apiVersion' || name === 'kind') &&
    schema.definition['x-kubernetes-group-version-kind'] !== undefined
  );
}

function visit(schema: Schema, path: readonly Schema[], done: Set<Schema>): void {
  assert.ok(!path.includes(schema), `${schema.id} holds itself`);
  if (done.has(schema)) return;
  const children =
    schema.type === 'object'
      ? fieldsOf(messageOf(schema)).map(field => field.schema)
      : [schema.items, schema.additionalProperties].filter(child => child !== undefined);
  for (const child of children) visit(child, [...path, schema], done);
  done.add(schema);
}

function fieldsOf(message: Message | undefined): Exclude<Field, { embedded: Message }>[] {
  assert.ok(message);
  return [...message.values()].flatMap(field =>
    'embedded' in field ? fieldsOf(field.embedded) : field,
  );
}

function nodeOf(id: string): Schema {
  const schema = schemaById(id);
  assert.ok(schema);
  return schema;
}
