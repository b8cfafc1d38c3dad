import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInSchema } from '../sdk/schema.ts';
import { threeWayMerge } from './three-way-merge.ts';

const DEPLOYMENT = builtInSchema('apps', 'v1', 'Deployment');
const SERVICE = builtInSchema('', 'v1', 'Service');

const containers = (...list: object[]) => ({ spec: { template: { spec: { containers: list } } } });
const ports = (...list: object[]) => ({ spec: { ports: list } });

const CASES = [
  {
    name: 'keeps what others set and deletes what is not wanted any more',
    last: { spec: { replicas: 1, paused: true } },
    wanted: { spec: { replicas: 2 } },
    live: { spec: { replicas: 1, paused: true, minReadySeconds: 3 }, status: { x: 1 } },
    merged: { spec: { replicas: 2, minReadySeconds: 3 }, status: { x: 1 } },
  },
  {
    name: 'deletes nothing of an object that was made by other means',
    last: undefined,
    wanted: { spec: { replicas: 2 } },
    live: { spec: { paused: true } },
    merged: { spec: { paused: true, replicas: 2 } },
  },
  {
    name: 'takes null for absent',
    last: {},
    wanted: { spec: { paused: null } },
    live: { spec: { paused: true } },
    merged: { spec: {} },
  },
  {
    name: 'merges lists by their key, and leaves what others put between',
    last: containers({ name: 'a', image: 'x' }, { name: 'gone' }),
    wanted: containers({ name: 'a', image: 'y' }, { name: 'new' }),
    live: containers({ name: 'side' }, { name: 'a', image: 'x', tty: true }, { name: 'gone' }),
    merged: containers({ name: 'side' }, { name: 'a', image: 'y', tty: true }, { name: 'new' }),
  },
  {
    name: 'brings a list into the wanted order',
    last: containers({ name: 'a' }, { name: 'b' }),
    wanted: containers({ name: 'b' }, { name: 'a' }),
    live: containers({ name: 'a' }, { name: 'b' }, { name: 'side' }),
    merged: containers({ name: 'b' }, { name: 'a' }, { name: 'side' }),
  },
  {
    name: 'tells list items with several keys apart, also where one has its default',
    schema: SERVICE,
    last: undefined,
    wanted: ports({ port: 53, protocol: 'UDP' }, { port: 53 }),
    live: ports(
      { port: 53, protocol: 'UDP', nodePort: 1 },
      { port: 53, protocol: 'TCP', nodePort: 2 },
    ),
    merged: ports(
      { port: 53, protocol: 'UDP', nodePort: 1 },
      { port: 53, protocol: 'TCP', nodePort: 2 },
    ),
  },
  {
    name: 'replaces lists that are one value',
    last: containers({ name: 'a', args: ['1', '2'] }),
    wanted: containers({ name: 'a', args: ['3'] }),
    live: containers({ name: 'a', args: ['1', '2'] }),
    merged: containers({ name: 'a', args: ['3'] }),
  },
  {
    name: 'merges sets of texts',
    last: { metadata: { finalizers: ['a', 'b'] } },
    wanted: { metadata: { finalizers: ['b', 'c'] } },
    live: { metadata: { finalizers: ['a', 'b', 'other'] } },
    merged: { metadata: { finalizers: ['b', 'other', 'c'] } },
  },
  {
    name: 'lets one choice exclude the other',
    last: { spec: { strategy: { type: 'RollingUpdate' } } },
    wanted: { spec: { strategy: { type: 'Recreate' } } },
    live: { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    merged: { spec: { strategy: { type: 'Recreate' } } },
  },
];

for (const { name, schema = DEPLOYMENT, last, wanted, live, merged } of CASES) {
  test(`threeWayMerge() ${name}`, () => {
    const given = structuredClone(live);
    assert.deepEqual(threeWayMerge({ wanted, last, live }, schema), merged);
    assert.deepEqual(live, given);
  });
}

test('threeWayMerge() without a schema replaces lists', () => {
  const states = { wanted: { a: [{ name: 'x' }] }, last: {}, live: { a: [{ name: 'y' }], b: 1 } };
  assert.deepEqual(threeWayMerge(states, undefined), { a: [{ name: 'x' }], b: 1 });
});
