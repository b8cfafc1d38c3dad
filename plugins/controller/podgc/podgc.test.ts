import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deleteRequest, Node, Pod, serviceUnavailable } from 'kernetes/sdk';
import { activate, node, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const on = (nodeName: string, name: string) =>
  pod(name, { spec: { nodeName, containers: [{ name: 'main' }] } });

const config = { terminatedPodThreshold: 2 };

async function setUp({ terminatedPodThreshold } = config) {
  const kernel = new TestKernel();
  kernel.add(Node, node('n1'), node('n2'));
  kernel.add(Pod, on('n1', 'a'), on('n1', 'b'), on('n2', 'c'), pod('waiting'));
  const { clock, dispose } = await activate(plugin, {
    kernel,
    config: { terminatedPodThreshold },
  });
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

  it('counts anew for a node that was there between', async () => {
    const { kernel, clock, names } = await setUp();
    await kernel.objects.delete(Node, { name: 'n1' });
    await clock.step(30_000);
    kernel.add(Node, node('n1'));
    await clock.step(60_000);
    await kernel.objects.delete(Node, { name: 'n1' });
    await clock.step(39_999);
    assert.equal(names().length, 4);
    await clock.step(1);
    assert.deepEqual(names(), ['c', 'waiting']);
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

  it('ends what is deleted on a node that is out of service already', async () => {
    const { kernel, clock } = await setUp();
    kernel.modify(Node, 'n1', each => {
      each.spec = { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] };
      each.status = { conditions: [{ type: 'Ready', status: 'Unknown' }] };
    });
    kernel.modify(Pod, 'default/a', ({ metadata }) => {
      metadata.finalizers = ['test/hold'];
    });
    await clock.step(0);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    kernel.requests.length = 0;
    await clock.step(0);
    const deletes = kernel.requests.filter(({ verb }) => verb === 'delete');
    assert.deepEqual([...new Set(deletes.map(({ name }) => name))], ['a']);
  });

  for (const verb of ['patch', 'delete']) {
    it(`leaves a pod of the name that was made before its ${verb}`, async () => {
      const { kernel, clock } = await setUp();
      let isReplaced = false;
      kernel.fault = request => {
        if (request.verb !== verb || request.name !== 'a' || isReplaced) return undefined;
        isReplaced = true;
        const key = { namespace: 'default', name: 'a' };
        void kernel.link('somebody').request([deleteRequest(Pod, key)]);
        kernel.add(Pod, on('n2', 'a'));
        return undefined;
      };
      await kernel.objects.delete(Node, { name: 'n1' });
      await clock.step(60_000);
      const left = kernel.get(Pod, 'default/a');
      assert.equal(left?.spec?.nodeName, 'n2');
      assert.equal(left?.status, undefined);
    });
  }

  it('deletes the oldest that ran to their end when there are too many, evicted ones first', async () => {
    const { kernel, clock, names } = await setUp();
    kernel.add(Pod, finished('old', 1), finished('newer', 2), finished('new', 3));
    kernel.add(Pod, finished('evicted', 4, 'Evicted'));
    await clock.step(40_000);
    assert.deepEqual(names(), ['a', 'b', 'c', 'new', 'newer', 'waiting']);
    const patches = kernel.requests.filter(({ verb }) => verb === 'patch');
    assert.deepEqual(patches, [], 'how it ended stays as it was');
  });

  it('counts those that ran to their end every 20 seconds, not at each', async () => {
    const { kernel, clock, names } = await setUp();
    kernel.add(Pod, finished('first', 1));
    await clock.step(0);
    kernel.add(Pod, finished('second', 2), finished('third', 3));
    await clock.step(19_999);
    assert.equal(names().length, 7);
    await clock.step(1);
    assert.deepEqual(names(), ['a', 'b', 'c', 'second', 'third', 'waiting']);
  });

  it('keeps all that ran to their end without a threshold', async () => {
    const { kernel, clock, names } = await setUp({ terminatedPodThreshold: 0 });
    kernel.add(Pod, finished('old', 1));
    await clock.step(40_000);
    assert.equal(names().length, 5);
  });
});

function finished(name: string, day: number, reason = ''): Pod {
  return pod(name, {
    metadata: { creationTimestamp: `2025-01-0${day}T00:00:00Z` },
    status: { phase: reason ? 'Failed' : 'Succeeded', reason },
  });
}
