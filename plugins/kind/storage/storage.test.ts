import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CSIDriver, StorageClass, VolumeAttachment } from 'kernetes/sdk';
import { csiDrivers, validateCsiNode } from './csi.ts';
import { storageClasses, validateStorageClass } from './storage-class.ts';
import { validateVolumeAttachment, volumeAttachments } from './volume-attachment.ts';

const fields = (errors: readonly { field: string }[] = []) => errors.map(({ field }) => field);

describe('StorageClass', () => {
  const made = (extra: Partial<StorageClass> = {}): StorageClass => {
    const object = { metadata: { name: 'fast' }, provisioner: 'example.com/disk', ...extra };
    storageClasses.versions[0]?.defaults?.(object);
    return object;
  };

  it('defaults to Delete and Immediate, and is then valid', () => {
    const object = made();
    assert.deepEqual([object.reclaimPolicy, object.volumeBindingMode], ['Delete', 'Immediate']);
    assert.deepEqual(validateStorageClass(object), []);
  });

  const wrong: { title: string; extra: Partial<StorageClass>; errors: string[] }[] = [
    { title: 'no provisioner', extra: { provisioner: '' }, errors: ['provisioner'] },
    {
      title: 'a reclaim policy that is none',
      extra: { reclaimPolicy: 'Keep' },
      errors: ['reclaimPolicy'],
    },
    {
      title: 'a binding mode that is none',
      extra: { volumeBindingMode: 'Later' },
      errors: ['volumeBindingMode'],
    },
  ];
  for (const { title, extra, errors } of wrong) {
    it(`validate() refuses ${title}`, () => {
      assert.deepEqual(fields(validateStorageClass(made(extra))), errors);
    });
  }

  it('what a volume was made with cannot be changed', () => {
    const changed = made({ provisioner: 'other', parameters: { a: 'b' }, reclaimPolicy: 'Retain' });
    assert.deepEqual(fields(storageClasses.strategy.validateUpdate?.(changed, made())), [
      'parameters',
      'provisioner',
      'reclaimPolicy',
    ]);
  });

  it('rows mark the default class', () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    const row = storageClasses.versions[0]?.row?.(
      made({ metadata: { name: 'fast', annotations } }),
      0,
    );
    assert.equal(row?.[0], 'fast (default)');
  });
});

describe('VolumeAttachment', () => {
  const spec = { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'pv' } };

  it('validate() wants attacher, source and node; the spec is immutable', () => {
    assert.deepEqual(validateVolumeAttachment({ metadata: {}, spec }), []);
    const empty = { metadata: {}, spec: { attacher: '', nodeName: '', source: {} } };
    assert.deepEqual(fields(validateVolumeAttachment(empty)), [
      'spec.attacher',
      'spec.source',
      'spec.nodeName',
    ]);
    const old: VolumeAttachment = { metadata: {}, spec };
    const changed: VolumeAttachment = { metadata: {}, spec: { ...spec, nodeName: 'other' } };
    assert.deepEqual(fields(volumeAttachments.strategy.validateUpdate?.(changed, old)), ['spec']);
  });
});

describe('CSI kinds', () => {
  it('a CSIDriver gets its defaults', () => {
    const driver: CSIDriver = { metadata: { name: 'd' }, spec: {} };
    csiDrivers.versions[0]?.defaults?.(driver);
    assert.deepEqual(driver.spec.volumeLifecycleModes, ['Persistent']);
    assert.equal(driver.spec.attachRequired, true);
  });

  it('a CSINode names each driver once', () => {
    const drivers = [
      { name: 'd', nodeID: '1' },
      { name: 'd', nodeID: '' },
    ];
    const errors = fields(validateCsiNode({ metadata: { name: 'n' }, spec: { drivers } }));
    assert.deepEqual(errors, ['spec.drivers[1].nodeID', 'spec.drivers[1].name']);
  });
});
