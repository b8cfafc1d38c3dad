import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admissionRequest, runAdmission } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const cases: [string, string[] | undefined, string[]][] = [
  ['persistentvolumeclaims', undefined, ['kubernetes.io/pvc-protection']],
  ['persistentvolumes', ['a'], ['a', 'kubernetes.io/pv-protection']],
  ['persistentvolumes', ['kubernetes.io/pv-protection'], ['kubernetes.io/pv-protection']],
];

for (const [resource, finalizers, wanted] of cases) {
  const before = JSON.stringify(finalizers ?? []);
  test(`admission.storage-object-in-use-protection makes ${before} of ${resource} ${wanted}`, async () => {
    const { admit } = await runAdmission(plugin);
    const object = { metadata: { name: 'x', ...(finalizers && { finalizers }) } };
    const { metadata } = await admit(admissionRequest(object, { resource }));
    assert.deepEqual(metadata.finalizers, wanted);
  });
}
