import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node, nodeStates, testSchedulerPlugin } from 'kernetes/sdk/testing';
import { hasLabels, type LabelConfig, preferenceScore } from './labels.ts';
import plugin from './plugin.ts';

const NONE: LabelConfig = {
  presentLabels: [],
  absentLabels: [],
  presentLabelsPreference: [],
  absentLabelsPreference: [],
};

testSchedulerPlugin(plugin, {
  config: { ...NONE, absentLabels: ['zone'], presentLabelsPreference: ['kubernetes.io/hostname'] },
});

const [state] = nodeStates([node('n', { metadata: { labels: { foo: '', bar: 'x' } } })]);
assert.ok(state);

const FILTERS: [name: string, config: Partial<LabelConfig>, fits: boolean][] = [
  ['accepts any node when nothing is asked', {}, true],
  ['accepts a node that has all labels', { presentLabels: ['foo', 'bar'] }, true],
  ['refuses a node that lacks one', { presentLabels: ['foo', 'baz'] }, false],
  ['accepts a node that lacks what it must lack', { absentLabels: ['baz'] }, true],
  ['refuses a node that has what it must lack', { absentLabels: ['baz', 'foo'] }, false],
  ['wants both to hold', { presentLabels: ['foo'], absentLabels: ['bar'] }, false],
];

for (const [name, config, fits] of FILTERS) {
  test(`filter() ${name}`, () => assert.equal(hasLabels(state, { ...NONE, ...config }), fits));
}

const SCORES: [name: string, config: Partial<LabelConfig>, score: number][] = [
  ['is 100 when all hold', { presentLabelsPreference: ['foo'] }, 100],
  ['is 0 when none holds', { absentLabelsPreference: ['foo'] }, 0],
  [
    'is the share of those that hold',
    { presentLabelsPreference: ['foo', 'baz'], absentLabelsPreference: ['qux'] },
    66,
  ],
];

for (const [name, config, score] of SCORES) {
  test(`score() ${name}`, () =>
    assert.equal(preferenceScore(state, { ...NONE, ...config }), score));
}
