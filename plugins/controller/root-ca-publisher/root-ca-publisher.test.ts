import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConfigMap, listenerPoint, Namespace } from 'kernetes/sdk';
import { activate, namespace, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

it('controller.root-ca-publisher keeps the certificate in each namespace', async () => {
  const kernel = new TestKernel();
  kernel.add(Namespace, namespace('a'));
  const { clock } = await activate(plugin, { kernel });
  const told = () =>
    kernel.all(ConfigMap).map(({ metadata, data }) => `${metadata.namespace} ${data?.['ca.crt']}`);
  assert.deepEqual(told(), [], 'there is nothing to say before the cluster listens');

  const other = testContext({ name: 'kernel', kernel });
  const listener = { server: 'https://here', certificateAuthority: 'one' };
  const withdraw = other.context.provide(listenerPoint, listener);
  await clock.step(0);
  kernel.add(Namespace, namespace('b'));
  await clock.step(0);
  assert.deepEqual(told(), ['a one', 'b one']);

  await kernel.objects.delete(ConfigMap, { namespace: 'a', name: 'kube-root-ca.crt' });
  kernel.modify(ConfigMap, 'b/kube-root-ca.crt', config => {
    config.data = { 'ca.crt': 'forged', more: 'x' };
  });
  await clock.step(100);
  assert.deepEqual(told(), ['a one', 'b one']);
  assert.deepEqual(Object.keys(kernel.get(ConfigMap, 'b/kube-root-ca.crt')?.data ?? {}), [
    'ca.crt',
  ]);

  await withdraw();
  other.context.provide(listenerPoint, { ...listener, certificateAuthority: 'two' });
  await clock.step(0);
  assert.deepEqual(told(), ['a two', 'b two']);
});
