import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Indexes } from './indexes.ts';

const texts: { text: string; bound: number; read: string }[] = [
  { text: '', bound: 9, read: '' },
  { text: '0', bound: 9, read: '0' },
  { text: '1,3-5,7', bound: 9, read: '1,3-5,7' },
  { text: '1-2', bound: 9, read: '1,2' },
  { text: '1,2,3', bound: 9, read: '1-3' },
  { text: '5,1-3', bound: 9, read: '1-3,5' },
  { text: '1-8', bound: 4, read: '1-3' },
  { text: '1,4-6', bound: 4, read: '1' },
  { text: 'x,1-y,3,-4,5-', bound: 9, read: '3' },
];

describe('Indexes', () => {
  for (const { text, bound, read } of texts) {
    it(`reads "${text}" below ${bound} as "${read}"`, () => {
      assert.equal(Indexes.parse(text, bound).toString(), read);
    });
  }

  it('is a set, whatever is asked of it', () => {
    const some = fc.uniqueArray(fc.nat(30), { maxLength: 20 });
    fc.assert(
      fc.property(some, some, fc.nat(31), (left, right, bound) => {
        const [a, b] = [Indexes.of(left), Indexes.of(right)];
        const all = [...new Set([...left, ...right])];
        const free = Array.from({ length: bound }, (_, i) => i).filter(i => !left.includes(i));
        assert.equal(a.size, left.length);
        assert.equal(a.has(bound), left.includes(bound));
        assert.equal(a.union(b).size, all.length);
        assert.equal(a.common(b), left.filter(i => right.includes(i)).length);
        assert.deepEqual(a.missing(3, bound), free.slice(0, 3));
        assert.equal(Indexes.parse(a.toString(), 31).toString(), a.toString());
      }),
    );
  });
});
