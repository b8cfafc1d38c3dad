import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keyOf, Namespace, ServiceAccount, serviceUnavailable } from 'kernetes/sdk';
import { activate, namespace, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const accounts = (kernel: TestKernel) => kernel.all(ServiceAccount).map(keyOf);

describe('controller.serviceaccount', () => {
  it('gives each namespace a default service account', async () => {
    const kernel = new TestKernel();
    kernel.add(Namespace, namespace('a'));
    const { clock } = await activate(plugin, { kernel });
    kernel.add(Namespace, namespace('b'));
    await clock.step(0);
    assert.deepEqual(accounts(kernel), ['a/default', 'b/default']);
  });

  it('makes it again when it was deleted, but not in a namespace that is going', async () => {
    const { kernel, clock } = await activate(plugin);
    kernel.add(Namespace, namespace('a'), namespace('b'));
    await clock.step(0);
    await kernel.objects.delete(Namespace, { name: 'b' });
    for (const each of ['a', 'b']) {
      await kernel.objects.delete(ServiceAccount, { namespace: each, name: 'default' });
    }
    await clock.step(10);
    assert.deepEqual(accounts(kernel), ['a/default']);
  });

  it('tries again after a failure, and leaves one that is there alone', async () => {
    const kernel = new TestKernel();
    kernel.add(Namespace, namespace('a'), namespace('b'));
    kernel.add(ServiceAccount, { metadata: { name: 'default', namespace: 'b' } });
    kernel.fault = ({ verb }) => (verb === 'create' ? serviceUnavailable('x') : undefined);
    const { clock } = await activate(plugin, { kernel });
    assert.deepEqual(accounts(kernel), ['b/default']);
    kernel.fault = () => undefined;
    await clock.step(1_000);
    assert.deepEqual(accounts(kernel), ['a/default', 'b/default']);
    const created = kernel.requests.filter(({ verb }) => verb === 'create');
    assert.ok(created.every(request => request.namespace === 'a'));
  });
});
