import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Deployment, IntOrString, ReplicaSet } from 'kernetes/sdk';
import { deployment, replicaSet } from 'kernetes/sdk/testing';
import { DESIRED_REPLICAS, MAX_REPLICAS } from './annotations.ts';
import { boundsOf, planRollingUpdate, planScale, sizeOf } from './plan.ts';

function rolling(replicas: number, maxSurge: IntOrString, maxUnavailable: IntOrString): Deployment {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
  return deployment('web', { replicas, strategy });
}

function set(name: string, replicas: number, available = replicas, before?: [number, number]) {
  const annotations = before && {
    [DESIRED_REPLICAS]: String(before[0]),
    [MAX_REPLICAS]: String(before[1]),
  };
  const made = replicaSet(name, { replicas }, annotations ? { annotations } : {});
  made.status = { replicas, availableReplicas: available };
  return made;
}

describe('boundsOf()', () => {
  const cases: [number, IntOrString, IntOrString, number, number][] = [
    [10, '25%', '25%', 3, 2],
    [1, '25%', '25%', 1, 0],
    [3, 0, '10%', 0, 1],
    [3, 0, 0, 0, 1],
    [2, 1, 5, 1, 2],
    [0, '25%', '25%', 0, 0],
  ];
  for (const [replicas, surge, unavailable, maxSurge, maxUnavailable] of cases) {
    it(`of ${replicas} with ${surge} and ${unavailable} is +${maxSurge} -${maxUnavailable}`, () => {
      const bounds = { replicas, maxSurge, maxUnavailable };
      assert.deepEqual(boundsOf(rolling(replicas, surge, unavailable)), bounds);
    });
  }
});

describe('planRollingUpdate()', () => {
  const names = (sizes: ReadonlyMap<ReplicaSet, number>) =>
    Object.fromEntries([...sizes].map(([{ metadata }, size]) => [metadata.name, size]));

  const cases: {
    name: string;
    deployment: Deployment;
    newSet?: ReplicaSet;
    oldSets?: ReplicaSet[];
    newSize: number;
    sizes: Record<string, number>;
  }[] = [
    {
      name: 'starts with all when there is no old set',
      deployment: rolling(3, 1, 1),
      newSize: 3,
      sizes: {},
    },
    {
      name: 'makes the new set as large as the surge allows',
      deployment: rolling(10, '25%', '25%'),
      oldSets: [set('old', 10)],
      newSize: 3,
      sizes: { old: 8 },
    },
    {
      name: 'waits for new pods when none may be missing',
      deployment: rolling(3, 1, 0),
      newSet: set('new', 1, 0),
      oldSets: [set('old', 3)],
      newSize: 1,
      sizes: {},
    },
    {
      name: 'takes unavailable old pods away first',
      deployment: rolling(4, 0, 2),
      newSet: set('new', 0),
      oldSets: [set('healthy', 2), set('broken', 2, 0)],
      newSize: 0,
      sizes: { broken: 0 },
    },
    {
      name: 'shrinks a new set that is larger than wanted',
      deployment: rolling(2, 1, 0),
      newSet: set('new', 5),
      newSize: 2,
      sizes: { new: 2 },
    },
  ];
  for (const { name, newSet, oldSets = [], newSize, sizes, deployment: subject } of cases) {
    it(name, () => {
      const plan = planRollingUpdate({ deployment: subject, newSet, oldSets });
      assert.deepEqual([plan.newSize, names(plan.sizes)], [newSize, sizes]);
    });
  }

  it('keeps the bounds at every step and comes to an end, whichever pods become available', () => {
    const bound = fc.oneof(
      fc.nat(6),
      fc.nat(100).map(percent => `${percent}%`),
    );
    const inputs = fc.record({
      replicas: fc.nat(20),
      surge: bound,
      unavailable: bound,
      old: fc.array(fc.nat(8), { maxLength: 3 }),
      luck: fc.infiniteStream(fc.boolean()),
    });
    fc.assert(
      fc.property(inputs, ({ replicas, surge, unavailable, old, luck }) => {
        const subject = rolling(replicas, surge, unavailable);
        const { maxSurge, maxUnavailable } = boundsOf(subject);
        let oldSets = old.map((size, i) => set(`old-${i}`, size));
        let newSet = set('new', 0);
        const count = () => [...oldSets, newSet].reduce((sum, each) => sum + sizeOf(each), 0);
        const live = () =>
          [...oldSets, newSet].reduce(
            (sum, each) => sum + (each.status?.availableReplicas ?? 0),
            0,
          );
        for (let step = 0; step < 200; step++) {
          const [countBefore, liveBefore] = [count(), live()];
          const { sizes } = planRollingUpdate({ deployment: subject, newSet, oldSets });
          const resized = (each: ReplicaSet, grow: boolean) => {
            const size = sizes.get(each) ?? sizeOf(each);
            const available = each.status?.availableReplicas ?? 0;
            return set(each.metadata.name ?? '', size, Math.min(size, available + (grow ? 1 : 0)));
          };
          oldSets = oldSets.map(each => resized(each, false));
          newSet = resized(newSet, luck.next().value || step > 60);
          assert.ok(count() <= Math.max(countBefore, replicas + maxSurge), 'too many pods');
          const least = Math.min(liveBefore, replicas - maxUnavailable);
          assert.ok(live() >= least, `${live()} pods are available, ${least} must be`);
        }
        assert.deepEqual(
          oldSets.map(sizeOf),
          old.map(() => 0),
        );
        assert.equal(sizeOf(newSet), replicas);
      }),
    );
  });
});

describe('planScale()', () => {
  const cases: {
    name: string;
    deployment: Deployment;
    newSet?: ReplicaSet;
    oldSets?: ReplicaSet[];
    sizes: number[];
  }[] = [
    {
      name: 'gives all to the only active set',
      deployment: rolling(7, 1, 0),
      newSet: set('new', 3),
      oldSets: [set('old', 0)],
      sizes: [7],
    },
    {
      name: 'gives all to the newest when none is active',
      deployment: rolling(2, 1, 0),
      oldSets: [set('a', 0), set('b', 0)],
      sizes: [2],
    },
    {
      name: 'shares growth in proportion',
      deployment: rolling(20, 0, 1),
      newSet: set('new', 5, 5, [10, 10]),
      oldSets: [set('old', 5, 5, [10, 10])],
      sizes: [10, 10],
    },
    {
      name: 'shares shrinking in proportion',
      deployment: rolling(5, 0, 1),
      newSet: set('new', 2, 2, [10, 10]),
      oldSets: [set('old', 8, 8, [10, 10])],
      sizes: [4, 1],
    },
    {
      name: 'gives what rounding leaves over to the largest',
      deployment: rolling(11, 0, 1),
      newSet: set('new', 3, 3, [10, 10]),
      oldSets: [set('a', 3, 3, [10, 10]), set('b', 4, 4, [10, 10])],
      sizes: [5, 3, 3],
    },
    {
      name: 'takes all away at zero',
      deployment: rolling(0, 1, 0),
      newSet: set('new', 2, 2, [5, 6]),
      oldSets: [set('old', 4, 4, [5, 6])],
      sizes: [0, 0],
    },
    {
      name: 'clears the old sets when the new one has all',
      deployment: rolling(3, 1, 0),
      newSet: set('new', 3, 3, [3, 4]),
      oldSets: [set('old', 2, 2, [3, 4])],
      sizes: [0],
    },
  ];
  for (const { name, deployment: subject, newSet, oldSets = [], sizes } of cases) {
    it(name, () => {
      const plan = planScale({ deployment: subject, newSet, oldSets });
      assert.deepEqual([...plan.values()], sizes);
    });
  }
});
