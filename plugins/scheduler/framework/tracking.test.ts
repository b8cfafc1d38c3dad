import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf, type SchedulerPlugin } from 'kernetes/sdk';
import { node, pod } from 'kernetes/sdk/testing';
import { Cache } from './cache.ts';
import { type Listener, Tracking } from './tracking.ts';

function setUp() {
  const told: string[] = [];
  const errors: string[] = [];
  const quiet = () => {};
  const error = (text: string) => void errors.push(text);
  const tracking: Tracking = new Tracking({
    log: { debug: quiet, info: quiet, warn: quiet, error },
    nodes: () => cache.nodes,
    wake: plugin => void told.push(`wake ${plugin}`),
  });
  const cache = new Cache(tracking);
  const plugin: SchedulerPlugin = {
    name: 'Counting',
    track: () => ({
      nodeAdded: ({ name, pods }) => void told.push(`+${name} (${pods.length})`),
      nodeChanged: ({ name, labels }, before) =>
        void told.push(`${name}: ${before.labels.rack} -> ${labels.rack}`),
      nodeRemoved: ({ name }) => void told.push(`-${name}`),
      podAdded: (one, { name }) => void told.push(`+${one.name}@${name}`),
      podRemoved: (one, { name }) => void told.push(`-${one.name}@${name}`),
    }),
  };
  const since = () => told.splice(0);
  return { tracking, cache, plugin, since, errors };
}

const info = (name: string) => podInfoOf(pod(name));
const inRack = (rack: string) => node('n', { metadata: { labels: { rack } } });

test('track() is told of all that there is, then of each change in its order', () => {
  const { tracking, cache, plugin, since } = setUp();
  cache.setNode(inRack('r1'));
  cache.setPod(info('a'), 'n');
  tracking.use(new Set([plugin]));
  assert.deepEqual(since(), ['+n (1)', '+a@n']);
  cache.assume(info('b'), 'n');
  cache.confirm('default/b', pod('b'), 'n');
  cache.setPod(info('b'), 'n');
  assert.deepEqual(since(), ['+b@n'], 'once, from when it is assumed');
  cache.assume(info('c'), 'n');
  cache.forget(info('c'));
  cache.setNode(inRack('r2'));
  cache.removePod('default/a');
  assert.deepEqual(since(), ['+c@n', '-c@n', 'n: r1 -> r2', '-a@n']);
  cache.removeNode('n');
  assert.deepEqual(since(), ['-b@n', '-n'], 'its pods go first');
});

test('track() hears nothing of pods whose node is not there', () => {
  const { tracking, cache, plugin, since } = setUp();
  tracking.use(new Set([plugin]));
  cache.setPod(info('a'), 'n');
  cache.setPod(info('b'), 'n');
  cache.removePod('default/b');
  assert.deepEqual(since(), []);
  cache.setNode(inRack('r1'));
  assert.deepEqual(since(), ['+n (1)', '+a@n']);
  cache.removeNode('n');
  cache.removePod('default/a');
  assert.deepEqual(since(), ['-a@n', '-n']);
});

test('use() leaves those alone that stay, and ends those that go', () => {
  const { tracking, cache, plugin, since } = setUp();
  const ended: string[] = [];
  const other: SchedulerPlugin = {
    name: 'Other',
    watch(wake) {
      wake();
      return () => void ended.push('Other');
    },
  };
  cache.setNode(inRack('r1'));
  tracking.use(new Set([plugin, other]));
  assert.deepEqual(since(), ['+n (0)', 'wake Other']);
  tracking.use(new Set([plugin]));
  assert.deepEqual([since(), ended], [[], ['Other']]);
  tracking.use(new Set());
  cache.removeNode('n');
  assert.deepEqual(since(), []);
});

test('a tracker that throws is told no more, and its failure is known', () => {
  const { tracking, cache, plugin, since, errors } = setUp();
  const broken: SchedulerPlugin = {
    name: 'Broken',
    track: () => ({
      podAdded() {
        throw new Error('no such pod');
      },
    }),
  };
  tracking.use(new Set([broken, plugin]));
  cache.setNode(inRack('r1'));
  const enabled = [{ name: 'Broken', instance: broken, ignoresFailure: false }];
  assert.equal(tracking.troubleOf(enabled), undefined);
  cache.assume(info('a'), 'n');
  cache.assume(info('b'), 'n');
  assert.equal(tracking.troubleOf(enabled), 'running plugin "Broken": no such pod');
  assert.equal(
    tracking.troubleOf([{ ...enabled[0], ignoresFailure: true } as Listener]),
    undefined,
  );
  assert.deepEqual(errors, ['Scheduler plugin cannot follow the cluster']);
  assert.deepEqual(since(), ['+n (0)', '+a@n', '+b@n']);
  tracking.use(new Set([plugin]));
  tracking.use(new Set([broken, plugin]));
  assert.equal(errors.length, 2, 'made anew, it fails anew');
});
