import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deleteOptionsOf } from './delete-options.ts';

describe('deleteOptionsOf()', () => {
  const cases = [
    { query: '', options: {} },
    { query: 'gracePeriodSeconds=0', options: { gracePeriodSeconds: 0 } },
    { query: 'gracePeriodSeconds=-1', options: { gracePeriodSeconds: -1 } },
    { query: 'propagationPolicy=Any', options: { propagationPolicy: 'Any' } },
    { query: 'orphanDependents=', options: { orphanDependents: true } },
    { query: 'orphanDependents=False', options: { orphanDependents: false } },
    { query: 'dryRun=All&dryRun=', options: { dryRun: ['All'] } },
    {
      query: 'ignoreStoreReadErrorWithClusterBreakingPotential=false',
      options: { ignoreStoreReadErrorWithClusterBreakingPotential: false },
    },
  ];
  for (const { query, options } of cases) {
    it(`reads "${query}"`, () => {
      assert.deepEqual(deleteOptionsOf(new URLSearchParams(query)), options);
    });
  }

  for (const grace of ['soon', '1.5', '1e3', '99999999999999999999']) {
    it(`refuses a grace period of ${grace}`, () => {
      const query = new URLSearchParams({ gracePeriodSeconds: grace });
      assert.throws(() => deleteOptionsOf(query), /strconv.ParseInt: parsing .*: invalid syntax/);
    });
  }
});
