import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  duplicate,
  fieldPath,
  forbiddenValue,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
  valueNotFound,
} from './field-path.ts';

test('FieldPath prints fields, indexes and keys as upstream does', () => {
  const container = fieldPath('spec', 'template', 'spec').child('containers').index(2);
  assert.equal(`${container.child('name')}`, 'spec.template.spec.containers[2].name');
  assert.equal(
    `${container.child('resources', 'requests').key('nvidia.com/gpu')}`,
    'spec.template.spec.containers[2].resources.requests[nvidia.com/gpu]',
  );
});

const CASES = [
  [required('a'), 'FieldValueRequired', 'Required value'],
  [required('a', 'why'), 'FieldValueRequired', 'Required value: why'],
  [invalidValue('a', 'x"y', 'bad'), 'FieldValueInvalid', 'Invalid value: "x\\"y": bad'],
  [invalidValue('a', -1, 'bad'), 'FieldValueInvalid', 'Invalid value: -1: bad'],
  [invalidValue('a', undefined, 'bad'), 'FieldValueInvalid', 'Invalid value: null: bad'],
  [invalidValue('a', { b: 1 }, ''), 'FieldValueInvalid', 'Invalid value: {"b":1}'],
  [
    notSupported('a', 'x', ['p', 'q']),
    'FieldValueNotSupported',
    'Unsupported value: "x": supported values: "p", "q"',
  ],
  [notSupported('a', 'x', []), 'FieldValueNotSupported', 'Unsupported value: "x"'],
  [duplicate('a', 'x'), 'FieldValueDuplicate', 'Duplicate value: "x"'],
  [forbiddenValue('a', 'no'), 'FieldValueForbidden', 'Forbidden: no'],
  [valueNotFound('a', 'x'), 'FieldValueNotFound', 'Not found: "x"'],
  [tooLong('a', 63), 'FieldValueTooLong', 'Too long: may not be more than 63 bytes'],
  [tooLong('a', 1), 'FieldValueTooLong', 'Too long: may not be more than 1 byte'],
  [tooMany('a', 17, 16), 'FieldValueTooMany', 'Too many: 17: must have at most 16 items'],
  [
    typeInvalid('a', true, 'want string'),
    'FieldValueTypeInvalid',
    'Invalid value: true: want string',
  ],
] as const;

for (const [error, reason, message] of CASES) {
  test(`${reason} reads "${message}"`, () => {
    assert.deepEqual(error, { reason, field: 'a', message });
  });
}
