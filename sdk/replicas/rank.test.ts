import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../api/types-core-v1.ts';
import { pod, type RunningOptions, running } from '../testing/testing.ts';
import { rankForDeletion } from './rank.ts';

interface Parts extends RunningOptions {
  readonly annotations?: Record<string, string>;
  readonly created?: string;
  readonly phase?: string;
  readonly restarts?: number;
  readonly uid?: string;
}

function on(nodeName: string, name: string, parts: Parts = {}): Pod {
  const {
    annotations = {},
    created = '2026-01-01T00:00:00Z',
    phase,
    restarts = 0,
    uid = name,
  } = parts;
  const status = { name: 'main', image: '', imageID: '', ready: true, restartCount: restarts };
  return pod(name, {
    metadata: { annotations, uid, creationTimestamp: created },
    spec: { nodeName, containers: [] },
    status: { ...running(parts), ...(phase && { phase }), containerStatuses: [status] },
  });
}

const cost = (value: string) => ({
  annotations: { 'controller.kubernetes.io/pod-deletion-cost': value },
});
const LATER = '2026-01-02T00:00:00Z';
const NOW = Date.parse('2026-01-02T12:00:00Z');

const cases: { name: string; first: Pod; second: Pod; siblings?: Record<string, number> }[] = [
  { name: 'one without a node', first: on('', 'a'), second: on('n', 'b') },
  { name: 'a pending one', first: on('n', 'a', { phase: 'Pending' }), second: on('n', 'b') },
  { name: 'one that is not ready', first: on('n', 'a', { ready: false }), second: on('n', 'b') },
  { name: 'the cheaper one', first: on('n', 'a', cost('-1')), second: on('n', 'b') },
  {
    name: 'the one on the fuller node',
    first: on('full', 'a'),
    second: on('n', 'b'),
    siblings: { full: 2, n: 1 },
  },
  {
    name: 'the one that is ready for a shorter time',
    first: on('n', 'a', { since: LATER }),
    second: on('n', 'b'),
  },
  {
    name: 'the one that restarted more often',
    first: on('n', 'a', { restarts: 2 }),
    second: on('n', 'b', { restarts: 1 }),
  },
  { name: 'the younger one', first: on('n', 'a', { created: LATER }), second: on('n', 'b') },
  {
    name: 'of two that are about as old the one with the lower uid',
    first: on('n', 'a', { uid: '1' }),
    second: on('n', 'b', { uid: '2', created: '2026-01-01T01:00:00Z' }),
  },
];

describe('rankForDeletion()', () => {
  for (const { name, first, second, siblings = {} } of cases) {
    it(`puts ${name} first`, () => {
      const options = { now: NOW, perNode: new Map(Object.entries(siblings)) };
      assert.deepEqual(rankForDeletion([second, first], options), [first, second]);
      assert.deepEqual(rankForDeletion([first, second], options), [first, second]);
    });
  }
});
