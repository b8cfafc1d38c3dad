import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runtimeClasses, validateRuntimeClass } from './runtime-class.ts';

describe('RuntimeClass', () => {
  for (const [handler, errors] of [
    ['runc', 0],
    ['', 1],
    ['Not.A.Label', 1],
  ] as const) {
    it(`validate() finds ${errors} errors in the handler "${handler}"`, () => {
      assert.equal(validateRuntimeClass({ metadata: { name: 'r' }, handler }).length, errors);
    });
  }

  it('the handler cannot be changed', () => {
    const old = { metadata: { name: 'r' }, handler: 'a' };
    const changed = { ...old, handler: 'b' };
    assert.equal(runtimeClasses.strategy.validateUpdate?.(changed, old).length, 1);
  });
});
