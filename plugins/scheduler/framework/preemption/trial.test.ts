import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type NodeState,
  type PodInfo,
  podInfoOf,
  type SchedulerPlugin,
  verdict,
} from 'kernetes/sdk';
import { node, pod, seededRandom } from 'kernetes/sdk/testing';
import { Cache } from '../cache.ts';
import { SchedulingCycle } from '../cycle/cycle.ts';
import { Diagnosis } from '../cycle/diagnosis.ts';
import { Profile } from '../profile/profile.ts';
import { local } from '../test-setup.ts';
import { Nominator } from './nominator.ts';
import { Trial, TrialFilters, trialFiltersOf } from './trial.ts';

const FULL: SchedulerPlugin = {
  name: 'Full',
  cacheable: true,
  filter: ({ node: { pods } }) =>
    pods.length >= 2 ? verdict.unschedulable('Too many pods') : undefined,
};

/** At most one pod of each colour in the cluster, counted by preFilter. */
const COLOURS: SchedulerPlugin<object, Map<string, number>> = {
  name: 'Colours',
  preFilter(context) {
    const colours = new Map<string, number>();
    for (const { pods } of context.nodes) for (const one of pods) count(colours, one, 1);
    context.state = colours;
    return undefined;
  },
  cloneState: state => new Map(state),
  addPod: ({ state }, other) => state && count(state, other, 1),
  removePod: ({ state }, other) => state && count(state, other, -1),
  filter: ({ state, pod: { labels } }) =>
    state?.get(labels.colour ?? '') ? verdict.unschedulable('colour is taken') : undefined,
};

function count(colours: Map<string, number>, { labels }: PodInfo, by: number): void {
  const colour = labels.colour ?? '';
  colours.set(colour, (colours.get(colour) ?? 0) + by);
}

/** With scores, all feasible nodes are found. */
const EVEN: SchedulerPlugin = { name: 'Even', score: () => 0 };

const info = (name: string, colour: string, priority = 0) =>
  podInfoOf(
    pod(name, {
      metadata: { uid: `uid-${name}`, labels: { colour } },
      spec: { containers: [], priority },
    }),
  );

function setUp() {
  const cache = new Cache();
  cache.setNode(node('n'));
  const nominations = new Nominator();
  const profile = new Profile([], [local(FULL), local(COLOURS), local(EVEN)]);
  const random = seededRandom(1);
  const cycle = new SchedulingCycle({ profile, cache, random, nominations, onIgnored() {} });
  const trialOf = (one: PodInfo) => {
    assert.equal(cycle.prepare(one), undefined);
    return new Trial(one, cache.node('n') as NodeState, {
      filters: trialFiltersOf(one, profile, cache.nodes),
      nominations,
      generation: () => cache.newGeneration(),
    });
  };
  const reasons = (one: PodInfo) => {
    const found = cycle.filter(one);
    return found instanceof Diagnosis ? found.message : found.map(({ name }) => name).join();
  };
  return { cache, nominations, trialOf, reasons };
}

test('check() sees the node and the states as they would be, and changes neither', () => {
  const { cache, trialOf, reasons } = setUp();
  cache.setPod(info('a', 'red'), 'n');
  const red = info('new', 'red');
  const trial = trialOf(red);
  assert.deepEqual(trial.check()?.reasons, ['colour is taken']);
  trial.remove(info('a', 'red'));
  assert.equal(trial.check(), undefined);
  assert.equal(trial.node.pods.length, 0);
  trial.add(info('b', 'blue'));
  trial.add(info('c', 'green'));
  assert.deepEqual(trial.check()?.reasons, ['Too many pods']);
  assert.equal(cache.node('n')?.pods.length, 1);
  assert.equal(reasons(red), '0/1 nodes are available: 1 colour is taken.');
});

test('a pod of a lower or the same priority does not fit where others are nominated', () => {
  const { nominations, reasons, trialOf, cache } = setUp();
  cache.setPod(info('a', 'grey'), 'n');
  nominations.nominate(info('first', 'red', 10), 'n');
  assert.match(reasons(info('same', 'blue', 10)), /1 Too many pods/);
  assert.equal(reasons(info('higher', 'blue', 11)), 'n');
  assert.equal(reasons(info('first', 'red', 10)), 'n', 'to itself it is no rival');
  assert.deepEqual(trialOf(info('same', 'blue', 10)).check()?.reasons, ['Too many pods']);
  nominations.clear('default/first');
  assert.equal(reasons(info('same', 'blue', 10)), 'n');
});

test('a nominated pod is asked about with and without: it may not come', () => {
  const { nominations, trialOf } = setUp();
  const wantsCompany: SchedulerPlugin = {
    name: 'Company',
    filter: ({ node: { pods } }) =>
      pods.length === 0 ? verdict.unschedulable('is lonely') : undefined,
  };
  const cache = new Cache();
  cache.setNode(node('n'));
  const profile = new Profile([], [local(wantsCompany)]);
  nominations.nominate(info('first', 'red', 10), 'n');
  const states = profile.filters.map(enabled => ({ enabled, state: undefined }));
  const one = info('a', 'blue');
  const trial = new Trial(one, cache.node('n') as NodeState, {
    filters: new TrialFilters(one, states, cache.nodes),
    nominations,
    generation: () => cache.newGeneration(),
  });
  assert.deepEqual(trial.check()?.reasons, ['is lonely']);
  assert.equal(trialOf(info('b', 'blue')).check(), undefined);
});

test('filter() looks at the nominated node first', () => {
  const { cache, nominations, reasons } = setUp();
  for (const name of ['m', 'o', 'p']) cache.setNode(node(name));
  const one = info('a', 'red');
  nominations.nominate(one, 'o');
  assert.equal(reasons(one), 'o');
  cache.removeNode('o');
  assert.equal(reasons(one), 'n,m,p');
});

test('what the API says of a nomination counts when it is news', () => {
  const nominator = new Nominator();
  const one = info('a', 'red');
  nominator.observe(one, 'n');
  assert.equal(nominator.nodeOf(one.key), 'n');
  nominator.nominate(one, 'm');
  nominator.observe(one, 'n');
  assert.equal(nominator.nodeOf(one.key), 'm', 'an echo of before');
  const relabelled = { ...one, labels: { a: 'b' } };
  nominator.observe(relabelled, 'n');
  assert.deepEqual(nominator.byNode.get('m'), [relabelled], 'as it is now');
  assert.equal(nominator.observe(one, 'm'), 'n', 'there it is no more');
  assert.equal(nominator.observe(one, 'm'), undefined);
  assert.equal(nominator.observe(one, ''), 'm');
  assert.equal(nominator.nodeOf(one.key), undefined);
  nominator.nominate(one, 'n');
  nominator.putAside(one.key);
  assert.equal(nominator.isEmpty, true);
  nominator.putBack({ ...one, uid: 'of another' });
  assert.equal(nominator.isEmpty, true);
  nominator.putBack(one);
  assert.equal(nominator.nodeOf(one.key), 'n');
  nominator.forget(one.key);
  nominator.putBack(one);
  assert.equal(nominator.isEmpty, true);
});
