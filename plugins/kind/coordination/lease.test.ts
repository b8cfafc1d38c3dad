import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leases, validateLease } from './lease.ts';

const cases = [
  { title: 'a lease of 40 s', spec: { holderIdentity: 'n', leaseDurationSeconds: 40 }, errors: [] },
  { title: 'an empty lease', spec: {}, errors: [] },
  {
    title: 'no duration at all',
    spec: { leaseDurationSeconds: 0 },
    errors: ['spec.leaseDurationSeconds'],
  },
  {
    title: 'negative transitions',
    spec: { leaseTransitions: -1 },
    errors: ['spec.leaseTransitions'],
  },
];

describe('Lease', () => {
  for (const { title, spec, errors } of cases) {
    it(`validate() finds ${errors.length} errors in ${title}`, () => {
      const found = validateLease({ metadata: { name: 'l' }, spec });
      assert.deepEqual(
        found.map(({ field }) => field),
        errors,
      );
    });
  }

  it('rows show the holder', () => {
    const row = leases.versions[0]?.row?.(
      { metadata: { name: 'l' }, ...{ spec: { holderIdentity: 'n' } } },
      0,
    );
    assert.deepEqual(row, ['l', 'n', '<unknown>']);
  });
});
