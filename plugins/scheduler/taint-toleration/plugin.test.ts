import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podInfoOf, type Taint, type Toleration } from 'kernetes/sdk';
import { pod, testSchedulerPlugin } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { dislikes, isKeptOff } from './taints.ts';

testSchedulerPlugin(plugin);

const MONITOR: Taint = { key: 'monitor', value: 'true', effect: 'NoSchedule' };
const EVICTING: Taint = { key: 'gone', effect: 'NoExecute' };
const SOFT: Taint = { key: 'soft', value: 'x', effect: 'PreferNoSchedule' };

const TABLE: [name: string, taints: Taint[], tolerations: Toleration[], keptOff: boolean][] = [
  ['rejects an untolerated NoSchedule taint', [MONITOR], [], true],
  ['rejects an untolerated NoExecute taint', [EVICTING], [], true],
  ['accepts an untolerated PreferNoSchedule taint', [SOFT], [], false],
  ['accepts an equal value', [MONITOR], [{ key: 'monitor', value: 'true' }], false],
  ['rejects another value', [MONITOR], [{ key: 'monitor', value: 'false' }], true],
  ['accepts any value with Exists', [MONITOR], [{ key: 'monitor', operator: 'Exists' }], false],
  ['accepts all with Exists alone', [MONITOR, EVICTING], [{ operator: 'Exists' }], false],
  [
    'rejects when one of several is untolerated',
    [MONITOR, EVICTING],
    [{ key: 'monitor', operator: 'Exists' }],
    true,
  ],
  [
    'rejects when the toleration is for another effect',
    [MONITOR],
    [{ key: 'monitor', operator: 'Exists', effect: 'NoExecute' }],
    true,
  ],
  ['rejects when an Equal toleration has no key', [EVICTING], [{ operator: 'Equal' }], true],
];

for (const [name, taints, tolerations, keptOff] of TABLE) {
  test(`filter() ${name}`, () => {
    const one = podInfoOf(pod('p', { spec: { containers: [], tolerations } }));
    assert.equal(isKeptOff(one, taints), keptOff);
  });
}

test('score() counts PreferNoSchedule taints that are not tolerated', () => {
  assert.equal(dislikes([SOFT, MONITOR, { ...SOFT, key: 'softer' }], []), 2);
  assert.equal(dislikes([SOFT], [{ key: 'soft', operator: 'Exists' }]), 0);
  assert.equal(dislikes([SOFT], [{ key: 'soft', operator: 'Exists', effect: 'NoSchedule' }]), 1);
});
