import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listenerPoint, Secret, ServiceAccount, tokenIssuerPoint } from 'kernetes/sdk';
import { activate, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const PLACE = { namespace: 'default' };

function secret(name: string, annotations: Record<string, string>, more: Partial<Secret> = {}) {
  const type = 'kubernetes.io/service-account-token';
  return { metadata: { name, ...PLACE, annotations }, type, ...more };
}

const FOR = (name: string, uid?: string) => ({
  'kubernetes.io/service-account.name': name,
  ...(uid !== undefined && { 'kubernetes.io/service-account.uid': uid }),
});

/** A cluster with the account `robot`, that listens, and who signs. */
async function start(...secrets: Secret[]) {
  const kernel = new TestKernel();
  const [account] = kernel.add(ServiceAccount, { metadata: { name: 'robot', ...PLACE } });
  kernel.add(Secret, ...secrets);
  const { context } = testContext({ name: 'other', kernel });
  context.provide(tokenIssuerPoint, {
    tokenFor: ({ metadata }, name) => `${metadata.name} ${metadata.uid} ${name}`,
  });
  context.provide(listenerPoint, { server: 'https://here', certificateAuthority: 'CA' });
  const { clock } = await activate(plugin, { kernel });
  const read = (name: string) => {
    const data = kernel.get(Secret, `default/${name}`)?.data;
    const decoded = Object.entries(data ?? {}).map(([key, value]) => [key, atob(value)]);
    return data && Object.fromEntries(decoded);
  };
  return { kernel, clock, read, uid: account?.metadata.uid ?? '' };
}

describe('controller.serviceaccount-token', () => {
  it('fills a Secret that is made for an account, and what is taken out of it', async () => {
    const { kernel, clock, read, uid } = await start(secret('box', FOR('robot')));
    const full = { 'ca.crt': 'CA', namespace: 'default', token: `robot ${uid} box` };
    assert.deepEqual(read('box'), full);
    const annotations = kernel.get(Secret, 'default/box')?.metadata.annotations;
    assert.deepEqual(annotations, FOR('robot', uid));
    kernel.modify(Secret, 'default/box', object => {
      object.data = { 'ca.crt': btoa('old'), own: btoa('kept') };
    });
    await clock.step(100);
    assert.deepEqual(read('box'), { ...full, own: 'kept' });
  });

  it('leaves a token that is there alone, and other Secrets', async () => {
    const own = { data: { token: btoa('mine') } };
    const { kernel, read } = await start(
      secret('box', FOR('robot'), own),
      secret('plain', FOR('robot'), { type: 'Opaque' }),
    );
    assert.equal(read('box')?.token, 'mine');
    assert.equal(read('plain'), undefined);
    const updates = kernel.requests.filter(({ verb }) => verb === 'update');
    assert.equal(updates.length, 1);
  });

  it('deletes Secrets whose account is not there, is another, or is deleted', async () => {
    const { kernel, clock } = await start(
      secret('box', FOR('robot')),
      secret('ghost', FOR('nobody')),
      secret('past', FOR('robot', 'old')),
    );
    const names = () => kernel.all(Secret).map(({ metadata }) => metadata.name);
    assert.deepEqual(names(), ['box']);
    await kernel.objects.delete(ServiceAccount, { ...PLACE, name: 'robot' });
    await clock.step(0);
    assert.deepEqual(names(), []);
  });
});
