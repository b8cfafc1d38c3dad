import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec } from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const spec = (image: string, imagePullPolicy: string): PodSpec => ({
  containers: [{ name: 'main', image, imagePullPolicy }],
  initContainers: [{ name: 'init', image: 'busybox', imagePullPolicy }],
  volumes: [{ name: 'v', image: { reference: 'data', pullPolicy: imagePullPolicy } }],
});

function policiesOf({ spec }: Pod): unknown[] {
  return [
    spec?.containers[0]?.imagePullPolicy,
    spec?.initContainers?.[0]?.imagePullPolicy,
    spec?.volumes?.[0]?.image?.pullPolicy,
  ];
}

test('admission.always-pull-images sets the policy of every image', async () => {
  const { admit } = await runAdmission(plugin);
  const object = pod('x', { spec: spec('nginx', 'Never') });
  const found = await admit<Pod>(admissionRequest(object));
  assert.deepEqual(policiesOf(found), ['Always', 'Always', 'Always']);
});

for (const [image, wanted] of [
  ['nginx', 'Never'],
  ['nginx:2', 'Always'],
] as const) {
  test(`admission.always-pull-images makes ${wanted} of an update to ${image}`, async () => {
    const { admit } = await runAdmission(plugin);
    const oldObject = pod('x', { spec: spec('nginx', 'Never') });
    const object = pod('x', { spec: spec(image, 'Never') });
    const found = await admit<Pod>(admissionRequest(object, { oldObject }));
    assert.deepEqual(policiesOf(found), [wanted, wanted, wanted]);
  });
}

test('admission.always-pull-images refuses what another plugin changed back', async () => {
  const { admission } = await runAdmission(plugin);
  const request = admissionRequest(pod('x', { spec: spec('nginx', 'Never') }));
  await assert.rejects(async () => admission.validate?.(request), {
    message:
      'pods "x" is forbidden: spec.initContainers[0].imagePullPolicy: ' +
      'Unsupported value: "Never": supported values: "Always"',
  });
});
