import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SchemaEngines } from './engines.ts';
import type { JSONSchemaProps } from './properties.ts';
import { compileValidator } from './validator.ts';

const INTEGER: JSONSchemaProps = { type: 'integer' };
const OBJECT = (properties: Record<string, JSONSchemaProps>, more: JSONSchemaProps = {}) => ({
  type: 'object',
  properties,
  ...more,
});

async function check(schema: JSONSchemaProps, value: unknown, old?: unknown): Promise<string[]> {
  const engines = new SchemaEngines();
  await engines.load([schema]);
  const errors = compileValidator(schema, engines)(value, old);
  return errors.map(({ reason, field, message }) => `${reason} ${field}: ${message}`);
}

const TABLE: { name: string; schema: JSONSchemaProps; value: unknown; wanted: string[] }[] = [
  {
    name: 'a wrong type',
    schema: OBJECT({ a: INTEGER }),
    value: { a: 'x' },
    wanted: [
      'FieldValueTypeInvalid a: Invalid value: "string": a in body must be of type integer: "string"',
    ],
  },
  {
    name: 'a null that is not nullable',
    schema: OBJECT({}, { additionalProperties: INTEGER }),
    value: { a: null },
    wanted: [
      'FieldValueTypeInvalid a: Invalid value: "null": a in body must be of type integer: "null"',
    ],
  },
  {
    name: 'what is missing',
    schema: OBJECT({ a: OBJECT({}, { required: ['b'] }) }),
    value: { a: {} },
    wanted: ['FieldValueRequired a.b: Required value'],
  },
  {
    name: 'a pattern',
    schema: OBJECT({ a: { type: 'string', pattern: '^[0-9*]' } }),
    value: { a: 'nope' },
    wanted: [`FieldValueInvalid a: Invalid value: "nope": a in body should match '^[0-9*]'`],
  },
  {
    name: 'an enum',
    schema: OBJECT({ a: { type: 'string', enum: ['x', 'y'] } }),
    value: { a: 'z' },
    wanted: ['FieldValueNotSupported a: Unsupported value: "z": supported values: "x", "y"'],
  },
  {
    name: 'bounds of a number',
    schema: {
      type: 'array',
      items: { type: 'number', minimum: 1, exclusiveMaximum: true, maximum: 3, multipleOf: 0.5 },
    },
    value: [0.5, 3, 1.3, 1.5],
    wanted: [
      'FieldValueInvalid [0]: Invalid value: 0.5: [0] in body should be greater than or equal to 1',
      'FieldValueInvalid [1]: Invalid value: 3: [1] in body should be less than 3',
      'FieldValueInvalid [2]: Invalid value: 1.3: [2] in body should be a multiple of 0.5',
    ],
  },
  {
    name: 'lengths, in code points',
    schema: {
      type: 'array',
      maxItems: 2,
      items: { type: 'string', minLength: 2, maxLength: 2 },
    },
    value: ['a', 'abc', '😀😀'],
    wanted: [
      'FieldValueInvalid [0]: Invalid value: "a": [0] in body should be at least 2 chars long',
      'FieldValueTooLong [1]: Too long: may not be more than 2 bytes',
      'FieldValueTooMany : Too many: 3: must have at most 2 items',
    ],
  },
  {
    name: 'a format',
    schema: OBJECT({ a: { type: 'string', format: 'ipv4' }, b: { type: 'string', format: 'own' } }),
    value: { a: '1.2.3', b: '' },
    wanted: [
      'FieldValueTypeInvalid a: Invalid value: "1.2.3": a in body must be of type ipv4: "1.2.3"',
    ],
  },
  {
    name: 'anyOf, with what the nearest lacks',
    schema: OBJECT({}, { anyOf: [{ required: ['a'] }, { required: ['b', 'c'] }] }),
    value: {},
    wanted: [
      'FieldValueInvalid <nil>: Invalid value: "": "" must validate at least one schema (anyOf)',
      'FieldValueRequired a: Required value',
    ],
  },
  {
    name: 'oneOf of which several fit',
    schema: OBJECT({ a: { oneOf: [{ minimum: 0 }, { maximum: 9 }] } }),
    value: { a: 5 },
    wanted: [
      'FieldValueInvalid <nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ],
  },
  {
    name: 'not',
    schema: OBJECT({ a: { not: { enum: ['x'] } } }),
    value: { a: 'x' },
    wanted: ['FieldValueInvalid <nil>: Invalid value: "": "a" must not validate the schema (not)'],
  },
  {
    name: 'int-or-string',
    schema: OBJECT({ a: { 'x-kubernetes-int-or-string': true } }),
    value: { a: 1.5 },
    wanted: [
      'FieldValueTypeInvalid a: Invalid value: "number": a in body must be of type integer,string: "number"',
    ],
  },
  {
    name: 'nothing in what fits',
    schema: OBJECT({ a: { type: 'string', nullable: true }, b: { type: 'number' } }),
    value: { a: null, b: 1, c: 'free' },
    wanted: [],
  },
];
for (const { name, schema, value, wanted } of TABLE) {
  test(`compileValidator() finds ${name}`, async () => {
    assert.deepEqual(await check(schema, value), wanted);
  });
}

test('what was wrong before and is the same is let through', async () => {
  const schema = OBJECT({
    a: INTEGER,
    list: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: OBJECT({ k: { type: 'string' }, v: INTEGER }),
    },
  });
  const old = {
    a: 'bad',
    list: [
      { k: '1', v: 'bad' },
      { k: '2', v: 1 },
    ],
  };
  const moved = {
    a: 'bad',
    list: [
      { k: '2', v: 2 },
      { k: '1', v: 'bad' },
    ],
    b: 1,
  };
  assert.deepEqual(await check(schema, moved, old), []);
  const worse = { a: 'bad', list: [{ k: '1', v: 'worse', x: 1 }] };
  assert.equal((await check(schema, worse, old)).length, 1);
});

test('a pattern that JavaScript takes minutes for is linear', async () => {
  const schema = OBJECT({ a: { type: 'string', pattern: '^(a+)+$' } });
  assert.equal((await check(schema, { a: `${'a'.repeat(5_000)}b` })).length, 1);
});

test('no value makes a validator throw', async () => {
  const schema = OBJECT({
    s: { type: 'string', pattern: 'x', format: 'date-time', maxLength: 3 },
    n: { type: 'number', minimum: 1, multipleOf: 2 },
    l: { type: 'array', items: INTEGER, 'x-kubernetes-list-type': 'set' },
    m: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 1 },
  });
  const engines = new SchemaEngines();
  await engines.load([schema]);
  const validate = compileValidator(schema, engines);
  const key = fc.constantFrom('s', 'n', 'l', 'm', '__proto__', 'constructor');
  const value = fc.dictionary(key, fc.jsonValue());
  fc.assert(
    fc.property(value, value, (now, old) => {
      for (const error of validate(now, old)) assert.ok(error.message);
    }),
  );
});
