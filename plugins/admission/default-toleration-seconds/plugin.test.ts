import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Toleration } from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';
const config = { notReadySeconds: 300, unreachableSeconds: 60 };
const notReady = (tolerationSeconds: number): Toleration => ({
  key: NOT_READY,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds,
});
const unreachable = { ...notReady(60), key: UNREACHABLE };

const cases: [string, Toleration[], Toleration[]][] = [
  ['adds both', [], [notReady(300), unreachable]],
  ['leaves a toleration that is there', [notReady(7)], [notReady(7), unreachable]],
  [
    'leaves one of any effect',
    [{ key: UNREACHABLE, operator: 'Exists' }],
    [{ key: UNREACHABLE, operator: 'Exists' }, notReady(300)],
  ],
  ['adds nothing to one of everything', [{ operator: 'Exists' }], [{ operator: 'Exists' }]],
  [
    'adds both beside one of another effect',
    [{ operator: 'Exists', effect: 'NoSchedule' }],
    [{ operator: 'Exists', effect: 'NoSchedule' }, notReady(300), unreachable],
  ],
];

for (const [what, tolerations, wanted] of cases) {
  test(`admission.default-toleration-seconds ${what}`, async () => {
    const { admit } = await runAdmission(plugin, { config });
    const object = pod('x', { spec: { containers: [], tolerations } });
    const { spec } = await admit<Pod>(admissionRequest(object));
    assert.deepEqual(spec?.tolerations, wanted);
  });
}
