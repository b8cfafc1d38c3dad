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
  return startAs(0, ...secrets);
}

async function startAs(release: number, ...secrets: Secret[]) {
  const kernel = new TestKernel();
  const [account] = kernel.add(ServiceAccount, { metadata: { name: 'robot', ...PLACE } });
  kernel.add(Secret, ...secrets);
  const { context } = testContext({ name: 'other', kernel });
  context.provide(tokenIssuerPoint, {
    tokenFor: ({ metadata }, name) => `${metadata.name} ${metadata.uid} ${name}`,
  });
  context.provide(listenerPoint, { server: 'https://here', certificateAuthority: 'CA' });
  const { clock } = await activate(plugin, { kernel, config: { release } });
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

describe('controller.serviceaccount-token up to v1.23', () => {
  const names = (kernel: TestKernel) => kernel.all(Secret).map(({ metadata }) => metadata.name);
  const references = (kernel: TestKernel) =>
    kernel.get(ServiceAccount, 'default/robot')?.secrets?.map(({ name }) => name);

  it('gives each account a Secret of its own', async () => {
    const { kernel, clock, read, uid } = await startAs(23);
    const [name = ''] = names(kernel);
    assert.match(name, /^robot-token-[a-z0-9]{5}$/);
    assert.deepEqual(references(kernel), [name]);
    const wanted = { 'ca.crt': 'CA', namespace: 'default', token: `robot ${uid} ${name}` };
    assert.deepEqual(read(name), wanted);
    assert.deepEqual(
      kernel.get(Secret, `default/${name}`)?.metadata.annotations,
      FOR('robot', uid),
    );
    kernel.add(ServiceAccount, { metadata: { name: 'a'.repeat(80), ...PLACE } });
    await clock.step(0);
    const long = names(kernel).find(each => each?.startsWith('a'));
    assert.match(long ?? '', /^a{58}[a-z0-9]{5}$/);
    assert.equal(names(kernel).length, 2);
  });

  it('makes another when it is deleted, and keeps what else the account refers to', async () => {
    const { kernel, clock } = await startAs(20);
    const [first = ''] = names(kernel);
    kernel.modify(ServiceAccount, 'default/robot', account => {
      account.secrets = [{ name: 'later' }, ...(account.secrets ?? [])];
    });
    await clock.step(0);
    assert.deepEqual(names(kernel), [first]);
    await kernel.objects.delete(Secret, { ...PLACE, name: first });
    await clock.step(0);
    const [second = ''] = names(kernel);
    assert.notEqual(second, first);
    assert.deepEqual(references(kernel), ['later', second]);
  });

  it('is content with a Secret that the account refers to', async () => {
    const { kernel, clock } = await startAs(20, secret('box', FOR('robot')));
    const [automatic = ''] = names(kernel).filter(name => name !== 'box');
    kernel.modify(ServiceAccount, 'default/robot', account => {
      account.secrets = [{ name: 'box' }];
    });
    await kernel.objects.delete(Secret, { ...PLACE, name: automatic });
    await clock.step(0);
    assert.deepEqual(names(kernel), ['box']);
  });

  it('gives none from v1.24 on', async () => {
    assert.deepEqual(names((await startAs(24)).kernel), []);
  });
});
