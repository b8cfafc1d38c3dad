import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PersistentVolumeClaim, StorageClass } from 'kernetes/sdk';
import { admissionRequest, runAdmission, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const MARK = 'storageclass.kubernetes.io/is-default-class';
const BETA_MARK = 'storageclass.beta.kubernetes.io/is-default-class';

function storageClass(name: string, mark: string | undefined, value = 'true'): StorageClass {
  const annotations = mark ? { [mark]: value } : {};
  return { metadata: { name, annotations }, provisioner: 'x' };
}

const about = { resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim' };
const none = { name: 'c', namespace: 'default' };

const cases: [string, StorageClass[], Partial<PersistentVolumeClaim>, string | undefined][] = [
  ['gives the default class', [storageClass('a', undefined), storageClass('b', MARK)], {}, 'b'],
  ['gives one with the beta mark', [storageClass('a', BETA_MARK)], {}, 'a'],
  ['gives none when none is marked true', [storageClass('a', MARK, 'false')], {}, undefined],
  ['gives the first by name of one second', ['b', 'a'].map(n => storageClass(n, MARK)), {}, 'a'],
  ['leaves a class', [storageClass('a', MARK)], { spec: { storageClassName: 'b' } }, 'b'],
  ['leaves an empty class', [storageClass('a', MARK)], { spec: { storageClassName: '' } }, ''],
  [
    'leaves the old annotation',
    [storageClass('a', MARK)],
    {
      metadata: { ...none, annotations: { 'volume.beta.kubernetes.io/storage-class': 'b' } },
      spec: {},
    },
    undefined,
  ],
];

for (const [what, classes, claim, wanted] of cases) {
  test(`admission.default-storage-class ${what}`, async () => {
    const kernel = new TestKernel();
    kernel.add(StorageClass, ...classes);
    const { admit } = await runAdmission(plugin, { kernel });
    const request = admissionRequest({ metadata: none, spec: {}, ...claim }, about);
    const { spec } = await admit<PersistentVolumeClaim>(request);
    assert.equal(spec?.storageClassName, wanted);
  });
}

test('admission.default-storage-class gives the newest of several', async () => {
  const { kernel, clock, admit } = await runAdmission(plugin);
  kernel.add(StorageClass, storageClass('a', MARK));
  await clock.step(2_000);
  const later = new Date(clock.now()).toISOString();
  const metadata = { ...storageClass('z', MARK).metadata, creationTimestamp: later };
  kernel.add(StorageClass, { ...storageClass('z', MARK), metadata });
  await clock.step(0);
  const request = admissionRequest({ metadata: none, spec: {} }, about);
  const { spec } = await admit<PersistentVolumeClaim>(request);
  assert.equal(spec?.storageClassName, 'z');
});
