import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileSchema } from './json-schema.ts';

test('compileSchema() compiles what is the same once', () => {
  const schema = () => ({ type: 'object', properties: { a: { type: 'string', default: 'x' } } });
  assert.equal(compileSchema(schema()), compileSchema(schema()));
  const data = {};
  assert.ok(compileSchema(schema())(data));
  assert.deepEqual(data, { a: 'x' });
});

test('compileSchema() takes different schemas of one $id', () => {
  const named = (type: string) => compileSchema({ $id: 'config', type });
  assert.ok(named('string')('x'));
  assert.ok(!named('number')('x'));
});

test('compileSchema() refuses what is no schema', () => {
  assert.throws(() => compileSchema({ type: 'nothing' }), /schema is invalid/);
});
