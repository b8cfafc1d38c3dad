import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf } from 'kernetes/sdk';
import { node, nodeStates, pod, testSchedulerPlugin } from 'kernetes/sdk/testing';
import { asksFor, type BalanceConfig, balance } from './balance.ts';
import plugin from './plugin.ts';

testSchedulerPlugin(plugin);

function asking(requests: Record<string, string>) {
  const containers = [{ name: 'c', image: 'i', resources: { requests } }];
  return podInfoOf(pod('p', { spec: { containers } }));
}

const named = (...names: string[]): BalanceConfig => {
  return { resources: names.map(name => ({ name, weight: 1 })) };
};
const TWO = named('cpu', 'memory');
const THREE = named('cpu', 'memory', 'x/gpu');

const TABLE: [name: string, requests: Record<string, string>, config: BalanceConfig, number][] = [
  ['is 100 for equal shares', { cpu: '2', memory: '4Gi' }, TWO, 100],
  ['falls by half the difference of two', { cpu: '4', memory: '4Gi' }, TWO, 75],
  ['takes what is beyond capacity for full', { cpu: '9', memory: '4Gi' }, TWO, 75],
  ['is 100 less the deviation of three', { cpu: '4', memory: '0', 'x/gpu': '2' }, THREE, 59],
  ['leaves out an extended resource not asked for', { cpu: '4', memory: '4Gi' }, THREE, 75],
  ['is 100 for a single resource', { cpu: '4' }, named('cpu'), 100],
];

for (const [name, requests, config, score] of TABLE) {
  test(`score() ${name}`, () => {
    const allocatable = { cpu: '4', memory: '8Gi', pods: '110', 'x/gpu': '4' };
    const [state] = nodeStates([{ ...node('n'), status: { allocatable } }]);
    assert.ok(state);
    assert.equal(balance(asking(requests), state, config), score);
  });
}

test('score() counts what runs there, without a minimum per container', () => {
  const [state] = nodeStates([node('n')]);
  assert.ok(state);
  state.addPod(asking({ cpu: '2' }));
  assert.equal(balance(asking({ memory: '4Gi' }), state, TWO), 100);
});

test('preScore() skips pods that ask for nothing', () => {
  assert.equal(asksFor(asking({}), TWO), false);
  assert.equal(asksFor(asking({ 'ephemeral-storage': '1Gi' }), TWO), false);
  assert.equal(asksFor(asking({ memory: '1' }), TWO), true);
});
