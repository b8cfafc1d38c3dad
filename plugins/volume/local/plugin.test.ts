import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type PersistentVolume, type ProvisionRequest, provisionerPoint } from 'kernetes/sdk';
import { activate } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volumes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const request = (more: Partial<ProvisionRequest> = {}): ProvisionRequest => ({
  volumeName: 'pvc-1',
  claim: { metadata: { name: 'c', namespace: 'default' }, spec: {} },
  storageClass: { metadata: { name: 'disks' }, provisioner: 'kernetes.dev/local' },
  ...more,
});

const volumeAt = (path: string, name = 'pvc-1'): PersistentVolume => ({
  metadata: { name },
  spec: { hostPath: { path } },
});

async function provisioner(config: { name: string; folder?: string }) {
  const { context } = await activate(plugin, { config });
  const [contribution] = context.contributions(provisionerPoint).list();
  assert.ok(contribution);
  return contribution.value;
}

describe('volume.local', () => {
  const named = { name: 'kernetes.dev/local' };

  it('makes a directory for a volume, and finds it the second time', async () => {
    const local = await provisioner({ ...named, folder });
    const { spec } = await local.provision(request());
    const path = join(folder, 'pvc-1');
    assert.deepEqual(spec, { hostPath: { path, type: 'DirectoryOrCreate' } });
    writeFileSync(join(path, 'data'), 'kept');
    await local.provision(request());
    assert.ok(existsSync(join(path, 'data')));
  });

  it('binds a volume to the node that was chosen', async () => {
    const local = await provisioner({ ...named, folder });
    const selectedNode = { name: 'n1', labels: { 'kubernetes.io/hostname': 'host-1' } };
    const { spec } = await local.provision(request({ selectedNode }));
    assert.deepEqual(spec.local, { path: join(folder, 'pvc-1') });
    const [term] = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
    assert.deepEqual(term?.matchExpressions, [
      { key: 'kubernetes.io/hostname', operator: 'In', values: ['host-1'] },
    ]);
  });

  it('keeps to the topology of the class', async () => {
    const local = await provisioner({ ...named, folder });
    const matchLabelExpressions = [{ key: 'zone', values: ['a', 'b'] }];
    const storageClass = {
      ...request().storageClass,
      allowedTopologies: [
        { matchLabelExpressions },
        { matchLabelExpressions: [{ key: 'rack', values: ['c'] }] },
      ],
    };
    const { spec } = await local.provision(request({ storageClass }));
    assert.deepEqual(spec.nodeAffinity?.required?.nodeSelectorTerms, [
      { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] },
      { matchExpressions: [{ key: 'rack', operator: 'In', values: ['c'] }] },
    ]);
  });

  it('deletes a volume with what is in it, and one that is gone', async () => {
    const local = await provisioner({ ...named, folder });
    await local.provision(request());
    const path = join(folder, 'pvc-1');
    writeFileSync(join(path, 'data'), 'lost');
    await local.delete(volumeAt(path));
    assert.ok(!existsSync(path));
    await local.delete(volumeAt(path));
  });

  it('refuses what is not below its folder', async () => {
    const local = await provisioner({ ...named, folder });
    for (const volumeName of ['..', '.', '', 'a/b', '../other']) {
      await assert.rejects(async () => local.provision(request({ volumeName })), /not below/);
    }
    const outside = mkdtempSync(join(tmpdir(), 'outside-'));
    await assert.rejects(async () => local.delete(volumeAt(outside)), /it is not at/);
    symlinkSync(outside, join(folder, 'pvc-1'));
    await assert.rejects(
      async () => local.delete(volumeAt(join(folder, 'pvc-1'))),
      /leads elsewhere/,
    );
    await assert.rejects(async () => local.provision(request()), /leads elsewhere/);
    await assert.rejects(
      async () => local.expand?.(volumeAt(join(folder, 'pvc-1')), '2Gi'),
      /leads elsewhere/,
    );
    assert.ok(existsSync(outside));
    rmSync(outside, { recursive: true });
  });

  it('refuses a file in place of the directory, and a folder that is a link stays its own', async () => {
    const local = await provisioner({ ...named, folder });
    writeFileSync(join(folder, 'pvc-1'), '');
    await assert.rejects(async () => local.provision(request()), /is no directory/);
    const link = join(folder, 'link');
    const real = join(folder, 'real');
    mkdirSync(real);
    symlinkSync(real, link);
    const linked = await provisioner({ ...named, folder: link });
    const { spec } = await linked.provision(request());
    await linked.delete({ metadata: { name: 'pvc-1' }, spec });
    assert.ok(!existsSync(join(real, 'pvc-1')));
  });

  it('refuses claims that choose by labels', async () => {
    const local = await provisioner({ ...named, folder });
    const claim = { ...request().claim, spec: { selector: { matchLabels: { a: 'b' } } } };
    await assert.rejects(async () => local.provision(request({ claim })), /with a selector/);
    assert.ok(!existsSync(join(folder, 'pvc-1')));
  });

  it('refuses block volumes', async () => {
    const local = await provisioner({ ...named, folder });
    const claim = { ...request().claim, spec: { volumeMode: 'Block' } };
    await assert.rejects(async () => local.provision(request({ claim })), /does not support block/);
  });

  it('lets a volume grow that is there', async () => {
    const local = await provisioner({ ...named, folder });
    mkdirSync(join(folder, 'pvc-1'));
    const grown = await local.expand?.(volumeAt(join(folder, 'pvc-1')), '2Gi');
    assert.deepEqual(grown, { nodeExpansionRequired: false });
    await assert.rejects(async () => local.expand?.(volumeAt('', 'pvc-2'), '2Gi'), /ENOENT/);
  });

  it('makes models without a folder, which say so', async () => {
    const models = await provisioner({ name: 'example.com/models' });
    assert.equal(models.name, 'example.com/models');
    const { spec, annotations } = await models.provision(request());
    assert.deepEqual(annotations, { 'kernetes.dev/model': 'true' });
    assert.equal(spec.hostPath?.path, '/var/lib/kernetes/volumes/pvc-1');
    await models.delete(volumeAt('/var/lib/kernetes/volumes/pvc-1'));
    assert.deepEqual(await models.expand?.(volumeAt(''), '2Gi'), { nodeExpansionRequired: false });
  });
});
