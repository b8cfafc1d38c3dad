import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PersistentVolumeClaim, StorageClass } from 'kernetes/sdk';
import { admissionRequest, runAdmission, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function claim(storage: string, storageClassName?: string, phase = 'Bound'): PersistentVolumeClaim {
  return {
    metadata: { name: 'c', namespace: 'default' },
    spec: { resources: { requests: { storage } }, ...(storageClassName && { storageClassName }) },
    status: { phase },
  };
}

const NOT_EXPANDABLE =
  'only dynamically provisioned pvc can be resized and ' +
  'the storageclass that provisions the pvc must support resize';

const cases: [string, PersistentVolumeClaim, PersistentVolumeClaim, string | undefined][] = [
  ['a bound claim of a class that allows it', claim('2Gi', 'yes'), claim('1Gi', 'yes'), undefined],
  ['the same size', claim('1024Mi', 'no'), claim('1Gi', 'no'), undefined],
  [
    'a claim that is not bound',
    claim('2Gi', 'yes'),
    claim('1Gi', 'yes', 'Pending'),
    'Only bound persistent volume claims can be expanded',
  ],
  ['a class that does not allow it', claim('2Gi', 'no'), claim('1Gi', 'no'), NOT_EXPANDABLE],
  ['a class that there is not', claim('2Gi', 'gone'), claim('1Gi', 'gone'), NOT_EXPANDABLE],
  ['a claim without a class', claim('2Gi'), claim('1Gi'), NOT_EXPANDABLE],
  ['another class', claim('2Gi', 'yes'), claim('1Gi'), NOT_EXPANDABLE],
];

for (const [what, object, oldObject, why] of cases) {
  test(`admission.persistent-volume-claim-resize ${why ? 'refuses' : 'takes'} ${what}`, async () => {
    const kernel = new TestKernel();
    const provisioner = 'x';
    kernel.add(
      StorageClass,
      { metadata: { name: 'yes' }, provisioner, allowVolumeExpansion: true },
      { metadata: { name: 'no' }, provisioner },
    );
    const { admit, refusal } = await runAdmission(plugin, { kernel });
    const about = { resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim' };
    const request = admissionRequest(object, { ...about, oldObject });
    if (why === undefined) await admit(request);
    else assert.equal(await refusal(request), `persistentvolumeclaims "c" is forbidden: ${why}`);
  });
}
