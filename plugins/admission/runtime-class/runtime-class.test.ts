import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Pod, type PodSpec, RuntimeClass, type Toleration } from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission, TestKernel } from 'kernetes/sdk/testing';
import { mergeTolerations } from './merge-tolerations.ts';
import plugin from './plugin.ts';

const TOLERATION: Toleration = { key: 'sandbox', operator: 'Exists' };
const BOX: RuntimeClass = {
  metadata: { name: 'box' },
  handler: 'box',
  overhead: { podFixed: { cpu: '100m', memory: '1Gi' } },
  scheduling: { nodeSelector: { sandbox: 'yes' }, tolerations: [TOLERATION] },
};
const PLAIN: RuntimeClass = { metadata: { name: 'plain' }, handler: 'plain' };

async function start() {
  const kernel = new TestKernel();
  kernel.add(RuntimeClass, BOX, PLAIN);
  return runAdmission(plugin, { kernel });
}

const request = (spec: Partial<PodSpec>) =>
  admissionRequest(pod('x', { spec: { containers: [], ...spec } }));
const box = { runtimeClassName: 'box' };
const OVERHEAD = { cpu: '100m', memory: '1Gi' };
const OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

describe('admission.runtime-class', () => {
  it('leaves pods without a class, and of one that says nothing, alone', async () => {
    const { admit } = await start();
    for (const spec of [{}, { runtimeClassName: 'plain' }]) {
      const { spec: found } = await admit<Pod>(request(spec));
      assert.deepEqual(found, { containers: [], ...spec });
    }
  });

  it('gives a pod what its class says, beside its own', async () => {
    const { admit } = await start();
    const own: Toleration = { key: 'a', operator: 'Exists' };
    const given = { ...box, nodeSelector: { disk: 'ssd' }, tolerations: [own] };
    const { spec } = await admit<Pod>(request(given));
    assert.deepEqual(spec, {
      containers: [],
      ...box,
      overhead: OVERHEAD,
      nodeSelector: { disk: 'ssd', sandbox: 'yes' },
      tolerations: [own, TOLERATION],
    });
  });

  it('takes an overhead that is the same, otherwise written', async () => {
    const { admit } = await start();
    const { spec } = await admit<Pod>(
      request({ ...box, overhead: { cpu: '0.1', memory: '1024Mi' } }),
    );
    assert.deepEqual(spec?.overhead, OVERHEAD);
  });

  it('asks for a class that the copy does not show', async () => {
    const { kernel, admit } = await start();
    kernel.holdWatches();
    kernel.add(RuntimeClass, { metadata: { name: 'new' }, handler: 'new' });
    assert.ok(await admit(request({ runtimeClassName: 'new' })));
  });

  const refused: [string, Partial<PodSpec>, string][] = [
    [
      'a class that there is not',
      { runtimeClassName: 'no' },
      'pod rejected: RuntimeClass "no" not found',
    ],
    ['another overhead', { ...box, overhead: { cpu: '1' } }, OTHER_OVERHEAD],
    [
      'an overhead without a class',
      { overhead: { cpu: '1' } },
      'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    ],
    [
      'another node',
      { ...box, nodeSelector: { sandbox: 'no' } },
      'conflict: runtimeClass.scheduling.nodeSelector[sandbox] = yes; pod.spec.nodeSelector[sandbox] = no',
    ],
  ];
  for (const [what, spec, why] of refused) {
    it(`refuses ${what}`, async () => {
      const { refusal } = await start();
      assert.equal(await refusal(request(spec)), `pods "x" is forbidden: ${why}`);
    });
  }
});

describe('mergeTolerations()', () => {
  const all: Toleration = { operator: 'Exists' };
  const a: Toleration = { key: 'k', value: 'a' };
  const long: Toleration = { ...a, effect: 'NoExecute', tolerationSeconds: 20 };
  const short: Toleration = { ...long, tolerationSeconds: 10 };
  const cases: [string, Toleration[], Toleration[], Toleration[]][] = [
    ['keeps both', [a], [{ key: 'l', value: 'a' }], [a, { key: 'l', value: 'a' }]],
    ['keeps one of equals', [a], [{ ...a }], [a]],
    ['drops what a later one covers', [a, long], [all], [all]],
    ['drops what an earlier one covers', [all], [a], [all]],
    ['keeps the longer', [short], [long], [long]],
    ['keeps another value', [a], [{ key: 'k', value: 'b' }], [a, { key: 'k', value: 'b' }]],
    [
      'keeps another effect',
      [short],
      [{ ...a, effect: 'NoSchedule' }],
      [short, { ...a, effect: 'NoSchedule' }],
    ],
  ];
  for (const [what, first, second, wanted] of cases) {
    it(what, () => assert.deepEqual(mergeTolerations(first, second), wanted));
  }
});
