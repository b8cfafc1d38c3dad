import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice } from 'kernetes/sdk';
import { distribute } from './distribute.ts';
import type { Endpoint } from './endpoint.ts';

const endpoint = (id: number, ready = true): Endpoint => ({
  addresses: [`10.0.${id >> 8}.${id & 255}`],
  conditions: { ready },
  targetRef: { kind: 'Pod', uid: `u${id}` },
});
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => endpoint(from + i));
const slice = (endpoints: Endpoint[]): EndpointSlice => ({
  metadata: {},
  addressType: 'IPv4',
  endpoints,
});

describe('distribute()', () => {
  it('fills new slices with 100 each', () => {
    const { chunks } = distribute(range(0, 250), []);
    assert.deepEqual(
      chunks.map(({ length }) => length),
      [100, 100, 50],
    );
  });

  it('writes one slice for one change', () => {
    const slices = [slice(range(0, 100)), slice(range(100, 160))];
    const wanted = [...range(0, 50), endpoint(50, false), ...range(51, 160)];
    const { changed, chunks, empty } = distribute(wanted, slices);
    assert.deepEqual([[...changed.keys()], chunks, empty], [[slices[0]], [], []]);
  });

  it('puts a new endpoint where another has gone', () => {
    const slices = [slice(range(0, 100)), slice(range(100, 160))];
    const { changed } = distribute([...range(1, 160), endpoint(900)], slices);
    assert.deepEqual([...changed.keys()], [slices[0]]);
  });

  it('puts it else into the fullest slice with room', () => {
    const slices = [slice(range(0, 30)), slice(range(100, 160))];
    const { changed } = distribute([...range(0, 30), ...range(100, 160), endpoint(900)], slices);
    assert.deepEqual([...changed.keys()], [slices[1]]);
  });

  it('keeps one slice when there is nothing', () => {
    assert.deepEqual(distribute([], []).chunks, [[]]);
    const slices = [slice(range(0, 3)), slice(range(3, 6))];
    const { changed, empty } = distribute([], slices);
    assert.deepEqual([changed.get(slices[0] ?? slice([])), empty], [[], [slices[1]]]);
  });

  it('has every endpoint exactly once, within the bound, and nothing to do the second time', () => {
    const ids = fc.uniqueArray(fc.nat(400), { maxLength: 300 });
    fc.assert(
      fc.property(ids, fc.array(ids, { maxLength: 4 }), (wantedIds, old) => {
        const wanted = wantedIds.map(id => endpoint(id));
        const seen = new Set<number>();
        const slices = old.map(each => {
          const own = each.filter(id => !seen.has(id)).slice(0, 100);
          for (const id of own) seen.add(id);
          return slice(own.map(id => endpoint(id)));
        });
        const { changed, chunks, empty } = distribute(wanted, slices);
        const after = [
          ...slices
            .filter(each => !empty.includes(each))
            .map(each => slice([...(changed.get(each) ?? each.endpoints ?? [])])),
          ...chunks.map(chunk => slice([...chunk])),
        ];
        const all = after.flatMap(({ endpoints = [] }) => endpoints);
        const order = ({ targetRef }: Endpoint) => targetRef?.uid ?? '';
        assert.deepEqual(all.map(order).sort(), wanted.map(order).sort());
        assert.ok(after.every(({ endpoints = [] }) => endpoints.length <= 100));
        const again = distribute(wanted, after);
        assert.deepEqual([again.changed.size, again.chunks, again.empty], [0, [], []]);
      }),
    );
  });
});
