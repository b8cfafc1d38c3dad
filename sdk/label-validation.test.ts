import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LabelSelectorRequirement } from './api/types-meta-v1.ts';
import { fieldPath } from './field-path.ts';
import {
  isEmptySelector,
  validateAnnotations,
  validateLabelSelector,
  validateLabels,
} from './label-validation.ts';

const PATH = fieldPath('labels');

test('validateLabels() finds bad keys and values, in the order of keys', () => {
  const found = validateLabels({ ok: '1', 'b b': '', a: '-' }, PATH);
  assert.deepEqual(
    found.map(({ message }) => message.split(':').slice(0, 2).join(':')),
    ['Invalid value: "-"', 'Invalid value: "b b"'],
  );
  assert.deepEqual(validateLabels(undefined, PATH), []);
});

describe('validateAnnotations()', () => {
  test('lets any text be a value, and capitals be in a key', () => {
    assert.deepEqual(validateAnnotations({ 'Example.COM/Key': '{"a": [1]}' }, PATH), []);
  });

  test('bounds all of them together', () => {
    const half = 'x'.repeat(128 * 1024);
    assert.deepEqual(validateAnnotations({ a: half }, PATH), []);
    const reasons = validateAnnotations({ a: half, b: half }, PATH).map(({ reason }) => reason);
    assert.deepEqual(reasons, ['FieldValueTooLong']);
  });
});

describe('validateLabelSelector()', () => {
  const cases: readonly { name: string; requirement: LabelSelectorRequirement; wrong: string[] }[] =
    [
      {
        name: 'In with values',
        requirement: { key: 'a', operator: 'In', values: ['b'] },
        wrong: [],
      },
      { name: 'In without', requirement: { key: 'a', operator: 'In' }, wrong: ['values'] },
      {
        name: 'Exists with values',
        requirement: { key: 'a', operator: 'Exists', values: ['b'] },
        wrong: ['values'],
      },
      {
        name: 'an operator of nodes',
        requirement: { key: 'a', operator: 'Gt', values: ['1'] },
        wrong: ['operator'],
      },
      {
        name: 'a bad key and value',
        requirement: { key: '', operator: 'In', values: ['ok', 'n o'] },
        wrong: ['key', 'key', 'values[1]'],
      },
    ];
  for (const { name, requirement, wrong } of cases) {
    test(`${wrong.length === 0 ? 'accepts' : 'refuses'} ${name}`, () => {
      const found = validateLabelSelector({ matchExpressions: [requirement] }, fieldPath('s'));
      assert.deepEqual(
        found.map(({ field }) => field),
        wrong.map(field => `s.matchExpressions[0].${field}`),
      );
    });
  }

  test('has nothing to say of an absent one', () => {
    assert.deepEqual(validateLabelSelector(undefined, PATH), []);
  });
});

test('isEmptySelector() tells what selects everything', () => {
  assert.equal(isEmptySelector({}), true);
  assert.equal(isEmptySelector({ matchLabels: {}, matchExpressions: [] }), true);
  assert.equal(isEmptySelector({ matchLabels: { a: 'b' } }), false);
});
