import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValidationRule } from '../api/types-apiextensions-v1.ts';
import { CelCompileError } from '../cel/cel.ts';
import { SchemaEngines } from './engines.ts';
import type { JSONSchemaProps } from './properties.ts';
import { compileRules } from './rules.ts';
import { structureOf } from './structure.ts';

function schemaOf(...rules: ValidationRule[]): JSONSchemaProps {
  const spec = {
    type: 'object',
    'x-kubernetes-validations': rules,
    properties: { a: { type: 'integer' }, b: { type: 'integer' } },
  };
  return { type: 'object', properties: { spec } };
}

async function check(schema: JSONSchemaProps, value: unknown, old?: unknown): Promise<string[]> {
  const engines = new SchemaEngines();
  await engines.load([schema]);
  const errors = compileRules(schema, structureOf(schema), engines)?.(value, old) ?? [];
  return errors.map(({ reason, field, message }) => `${reason} ${field}: ${message}`);
}

const GROWS: ValidationRule = { rule: 'self.a >= oldSelf.a', message: 'a must not shrink' };
const TABLE: { name: string; rule: ValidationRule; now: object; old?: object; wanted: string[] }[] =
  [
    { name: 'lets what is right through', rule: { rule: 'self.a > 0' }, now: { a: 1 }, wanted: [] },
    {
      name: 'tells the rule that failed',
      rule: { rule: 'self.a > 0' },
      now: { a: 0 },
      wanted: ['FieldValueInvalid spec: Invalid value: "object": failed rule: self.a > 0'],
    },
    {
      name: 'tells with a reason and at a field',
      rule: { rule: 'self.a > 0', message: 'no', reason: 'FieldValueForbidden', fieldPath: '.a' },
      now: { a: 0 },
      wanted: ['FieldValueForbidden spec.a: Forbidden: no'],
    },
    {
      name: 'tells what an expression says',
      rule: { rule: 'self.a > 0', messageExpression: '"a is " + string(self.a)' },
      now: { a: -1 },
      wanted: ['FieldValueInvalid spec: Invalid value: "object": a is -1'],
    },
    {
      name: 'tells its message when the expression fails',
      rule: { rule: 'self.a > 0', message: 'm', messageExpression: 'string(self.b)' },
      now: { a: -1 },
      wanted: ['FieldValueInvalid spec: Invalid value: "object": m'],
    },
    { name: 'skips a transition on a create', rule: GROWS, now: { a: 1 }, wanted: [] },
    {
      name: 'checks a transition on an update',
      rule: GROWS,
      now: { a: 1 },
      old: { a: 2 },
      wanted: ['FieldValueInvalid spec: Invalid value: "object": a must not shrink'],
    },
    {
      name: 'gives an optional that is empty on a create',
      rule: { rule: 'oldSelf.hasValue() || self.a == 1', optionalOldSelf: true },
      now: { a: 2 },
      wanted: [
        'FieldValueInvalid spec: Invalid value: "object": failed rule: oldSelf.hasValue() || self.a == 1',
      ],
    },
    {
      name: 'lets through what was wrong before and is the same',
      rule: { rule: 'self.a > 0' },
      now: { a: 0 },
      old: { a: 0 },
      wanted: [],
    },
  ];
for (const { name, rule, now, old, wanted } of TABLE) {
  test(`a rule ${name}`, async () => {
    const found = await check(schemaOf(rule), { spec: now }, old && { spec: old });
    assert.deepEqual(found, wanted);
  });
}

test('elements of a list by keys are compared with what they were', async () => {
  const element: JSONSchemaProps = {
    type: 'object',
    properties: { k: { type: 'string' }, v: { type: 'integer' } },
    'x-kubernetes-validations': [{ rule: 'self.v >= oldSelf.v' }],
  };
  const list: JSONSchemaProps = {
    type: 'array',
    items: element,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
  };
  const schema = { type: 'object', properties: { list } };
  const old = {
    list: [
      { k: 'a', v: 5 },
      { k: 'b', v: 1 },
    ],
  };
  const now = {
    list: [
      { k: 'b', v: 2 },
      { k: 'c', v: 0 },
      { k: 'a', v: 4 },
    ],
  };
  const [error, ...more] = await check(schema, now, old);
  assert.match(error ?? '', /^FieldValueInvalid list\[2\]: /);
  assert.deepEqual(more, []);
});

test('a rule that does not compile is refused', async () => {
  await assert.rejects(check(schemaOf({ rule: 'self.nope' }), {}), CelCompileError);
});

test('rules of a request share a budget', async () => {
  const rule = 'self.all(x, self.all(y, self.all(z, x + y + z >= 0)))';
  const list: JSONSchemaProps = {
    type: 'array',
    items: { type: 'integer' },
    'x-kubernetes-validations': [{ rule }, { rule: 'false' }],
  };
  const schema = { type: 'object', properties: { list } };
  const found = await check(schema, { list: Array.from({ length: 300 }, () => 1) });
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /no further validation rules will be run/);
});
