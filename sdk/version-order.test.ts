import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareVersions } from './version-order.ts';

describe('compareVersions()', () => {
  const orders: { title: string; best: readonly string[] }[] = [
    { title: 'what is stable before what is not', best: ['v1', 'v2beta1', 'v3alpha1'] },
    { title: 'numbers as numbers', best: ['v10', 'v9', 'v1beta10', 'v1beta9', 'v1beta1'] },
    { title: 'the version before its stage', best: ['v2beta1', 'v1beta2', 'v1beta1', 'v2alpha1'] },
    { title: 'others last, by name', best: ['v1alpha1', 'foo1', 'foo10', 'v', 'v1gamma1'] },
  ];
  for (const { title, best } of orders) {
    it(`puts ${title}`, () => assert.deepEqual(best.toReversed().sort(compareVersions), best));
  }

  it('finds a version equal to itself', () => {
    for (const version of ['v1', 'v1beta1', 'foo'])
      assert.equal(compareVersions(version, version), 0);
  });
});
