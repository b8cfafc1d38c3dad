import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PriorityClass } from 'kernetes/sdk';
import { priorityClasses, validatePriorityClass } from './priority-class.ts';

const cases = [
  { title: 'a user class', name: 'high', value: 1000, errors: [] },
  { title: 'the highest user value', name: 'top', value: 1_000_000_000, errors: [] },
  { title: 'a value above it', name: 'over', value: 1_000_000_001, errors: ['value'] },
  { title: 'a reserved name', name: 'system-mine', value: 1, errors: ['metadata.name'] },
  { title: 'a system class', name: 'system-node-critical', value: 2_000_001_000, errors: [] },
  {
    title: 'a system class of another value',
    name: 'system-node-critical',
    value: 1,
    errors: ['metadata.name'],
  },
];

describe('PriorityClass', () => {
  for (const { title, name, value, errors } of cases) {
    it(`validate() finds ${errors.length} errors in ${title}`, () => {
      const found = validatePriorityClass({ metadata: { name }, value });
      assert.deepEqual(
        found.map(({ field }) => field),
        errors,
      );
    });
  }

  it('defaults to preempting, and its value cannot be changed', () => {
    const object: PriorityClass = { metadata: { name: 'a' }, value: 5 };
    priorityClasses.versions[0]?.defaults?.(object);
    assert.equal(object.preemptionPolicy, 'PreemptLowerPriority');
    const changed = { ...object, value: 6 };
    const errors = priorityClasses.strategy.validateUpdate?.(changed, object) ?? [];
    assert.deepEqual(
      errors.map(({ field }) => field),
      ['value'],
    );
  });
});
