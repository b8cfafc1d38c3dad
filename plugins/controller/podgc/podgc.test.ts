import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Node, Pod, serviceUnavailable } from 'kernetes/sdk';
import { activate, node, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const on = (nodeName: string, name: string) =>
  pod(name, { spec: { nodeName, containers: [{ name: 'main' }] } });

const config = { terminatedPodThreshold: 2 };

async function setUp() {
  const kernel = new TestKernel();
  kernel.add(Node, node('n1'), node('n2'));
  kernel.add(Pod, on('n1', 'a'), on('n1', 'b'), on('n2', 'c'), pod('waiting'));
  const { clock, dispose } = await activate(plugin, { kernel, config });
  const names = () => kernel.all(Pod).map(({ metadata }) => metadata.name);
  return { kernel, clock, names, dispose };
}

describe('controller.podgc', () => {
  it('deletes the pods of a node 40 seconds after it has gone', async () => {
    const { kernel, clock, names } = await setUp();
    await kernel.objects.delete(Node, { name: 'n1' });
    await clock.step(39_999);
    assert.equal(names().length, 4);
    await clock.step(1);
    assert.deepEqual(names(), ['c', 'waiting']);
    const deletes = kernel.requests.filter(({ verb }) => verb === 'delete');
    assert.deepEqual(
      deletes.map(({ body }) => (body as { gracePeriodSeconds: number }).gracePeriodSeconds),
      [0, 0],
    );
  });

  it('leaves them when the node comes back in time', async () => {
    const { kernel, clock, names } = await setUp();
    await kernel.objects.delete(Node, { name: 'n1' });
    await clock.step(30_000);
    kernel.add(Node, node('n1'));
    await clock.step(60_000);
    assert.equal(names().length, 4);
  });

  it('asks the server before it deletes, and asks again when that fails', async () => {
    const { kernel, clock, names } = await setUp();
    await kernel.objects.delete(Node, { name: 'n1' });
    await clock.step(0);
    kernel.fault = ({ verb }) => (verb === 'get' ? serviceUnavailable('down') : undefined);
    await clock.step(50_000);
    assert.equal(names().length, 4);
    kernel.silently(() => kernel.add(Node, node('n1')));
    kernel.fault = () => undefined;
    await clock.step(60_000);
    assert.equal(names().length, 4);
  });

  it('deletes a pod that was deleted before it had a node', async () => {
    const { kernel, clock, names } = await setUp();
    kernel.modify(Pod, 'default/waiting', ({ metadata }) => {
      metadata.finalizers = ['example.com/grace'];
    });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'waiting' });
    await clock.step(0);
    const deletes = kernel.requests.filter(({ verb }) => verb === 'delete');
    assert.deepEqual([...new Set(deletes.map(({ name }) => name))], ['waiting']);
    assert.equal(names().length, 4);
  });

  it('works for a node that was gone before it started', async () => {
    const { kernel, names, dispose } = await setUp();
    await dispose();
    await kernel.objects.delete(Node, { name: 'n1' });
    const { clock } = await activate(plugin, { kernel, config });
    await clock.step(40_000);
    assert.deepEqual(names(), ['c', 'waiting']);
  });

  it('marks what it deletes as failed, because of the node that is gone', async () => {
    const { kernel, clock } = await setUp();
    await kernel.objects.delete(Node, { name: 'n2' });
    await clock.step(40_000);
    const [patch] = kernel.requests.filter(({ verb }) => verb === 'patch');
    assert.ok(patch);
    assert.equal(patch.subresource, 'status');
    const { status } = patch.body as Pod;
    assert.equal(status?.phase, 'Failed');
    assert.deepEqual(
      status?.conditions?.map(({ type, reason, message }) => [type, reason, message]),
      [['DisruptionTarget', 'DeletionByPodGC', 'PodGC: node no longer exists']],
    );
  });

  it('deletes no pod of which it could not say that it failed, and tries again', async () => {
    const { kernel, clock, names } = await setUp();
    await kernel.objects.delete(Node, { name: 'n1' });
    kernel.fault = ({ verb, name }) =>
      verb === 'patch' && name === 'a' ? serviceUnavailable('down') : undefined;
    await clock.step(40_000);
    assert.deepEqual(names(), ['a', 'c', 'waiting']);
    kernel.fault = () => undefined;
    await clock.step(10_000);
    assert.deepEqual(names(), ['c', 'waiting']);
  });

  it('ends what is being deleted on a node that is out of service, and nothing else', async () => {
    const { kernel, clock, names } = await setUp();
    for (const name of ['a', 'c']) {
      kernel.modify(Pod, `default/${name}`, ({ metadata }) => {
        metadata.finalizers = ['test/hold'];
      });
      await kernel.objects.delete(Pod, { namespace: 'default', name });
    }
    for (const name of ['n1', 'n2']) {
      kernel.modify(Node, name, each => {
        each.spec = { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] };
        each.status = { conditions: [{ type: 'Ready', status: name === 'n1' ? 'False' : 'True' }] };
      });
    }
    await clock.step(0);
    const deletes = kernel.requests.filter(({ verb }) => verb === 'delete');
    assert.deepEqual([...new Set(deletes.map(({ name }) => name))], ['a']);
    assert.equal(names().length, 4);
  });

  it('deletes the oldest that ran to their end when there are too many, evicted ones first', async () => {
    const { kernel, clock, names } = await setUp();
    const finished = (name: string, day: number, reason = '') =>
      pod(name, {
        metadata: { creationTimestamp: `2025-01-0${day}T00:00:00Z` },
        status: { phase: reason ? 'Failed' : 'Succeeded', reason },
      });
    kernel.add(Pod, finished('old', 1), finished('newer', 2), finished('new', 3));
    kernel.add(Pod, finished('evicted', 4, 'Evicted'));
    await clock.step(40_000);
    assert.deepEqual(names(), ['a', 'b', 'c', 'new', 'newer', 'waiting']);
  });
});
