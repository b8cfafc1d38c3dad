import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ALL_VERBS,
  APIService,
  ConfigMap,
  Deployment,
  keyOf,
  Namespace,
  Pod,
  Secret,
  servedKindPoint,
  serviceUnavailable,
  unknownResource,
} from 'kernetes/sdk';
import { activate, deployment, namespace, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const here = { metadata: { namespace: 'team' } };

/** One of them has no deletecollection. */
function serveKinds(kernel: TestKernel): () => void {
  const link = kernel.link('kernel');
  const single = ALL_VERBS.filter(verb => verb !== 'deletecollection');
  const withdraw = [Namespace, Pod, Deployment, ConfigMap].map(kind => {
    const verbs = kind === Deployment ? single : ALL_VERBS;
    return link.provide(servedKindPoint, kind.resource, { ...kind, verbs, expires: false });
  });
  return () => {
    for (const each of withdraw) void each();
  };
}

async function setUp() {
  const kernel = new TestKernel();
  const withdrawKinds = serveKinds(kernel);
  kernel.add(Namespace, namespace('team'), namespace('other'));
  kernel.add(Pod, pod('a', here), pod('b', { metadata: { namespace: 'other' } }));
  kernel.add(Deployment, deployment('web', {}, here.metadata));
  kernel.add(ConfigMap, { metadata: { name: 'c', namespace: 'team' } });
  const test = await activate(plugin, { kernel });
  const remove = () => kernel.objects.delete(Namespace, { name: 'team' });
  return { ...test, remove, withdrawKinds };
}

const names = (kernel: TestKernel) => kernel.all(Namespace).map(({ metadata }) => metadata.name);

function conditions(kernel: TestKernel): Record<string, string> {
  const list = kernel.get(Namespace, 'team')?.status?.conditions ?? [];
  const told = list.filter(({ status }) => status === 'True');
  return Object.fromEntries(told.map(({ reason, message }) => [reason, message ?? '']));
}

describe('controller.namespace', () => {
  it('empties a deleted namespace, and it alone, then lets it go', async () => {
    const { kernel, clock, remove } = await setUp();
    await remove();
    await clock.step(1_000);
    assert.deepEqual(names(kernel), ['other']);
    assert.deepEqual(kernel.all(Pod).map(keyOf), ['other/b']);
    assert.deepEqual([kernel.all(Deployment), kernel.all(ConfigMap)], [[], []]);
  });

  it('leaves namespaces alone that are not deleted', async () => {
    const { kernel, clock } = await setUp();
    await clock.step(60_000);
    const written = kernel.requests.filter(({ verb }) => verb !== 'list');
    assert.deepEqual(written, []);
  });

  it('tells what remains and what holds it, and waits for that', async () => {
    const { kernel, clock, remove } = await setUp();
    kernel.add(
      Pod,
      pod('slow', { metadata: { namespace: 'team', finalizers: ['example.com/x'] } }),
    );
    await remove();
    await clock.step(30_000);
    assert.deepEqual(conditions(kernel), {
      SomeResourcesRemain: 'Some resources are remaining: pods. has 1 resource instances',
      SomeFinalizersRemain:
        'Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances',
    });
    kernel.modify(Pod, 'team/slow', ({ metadata }) => {
      metadata.finalizers = [];
    });
    await clock.step(10_000);
    assert.deepEqual(names(kernel), ['other']);
  });

  it('tells what could not be deleted, and goes on when it can', async () => {
    const { kernel, clock, remove } = await setUp();
    kernel.fault = ({ verb, resource }) =>
      verb === 'deletecollection' && resource === 'configmaps'
        ? serviceUnavailable('x')
        : undefined;
    await remove();
    await clock.step(5_000);
    assert.match(conditions(kernel).ContentDeletionFailed ?? '', /1 remaining: x$/);
    kernel.fault = () => undefined;
    await clock.step(20_000);
    assert.deepEqual(names(kernel), ['other']);
  });

  it('does not let go before it knows which kinds there are', async () => {
    const { kernel, clock, remove, withdrawKinds } = await setUp();
    withdrawKinds();
    await remove();
    await clock.step(60_000);
    assert.deepEqual(names(kernel), ['other', 'team']);
    serveKinds(kernel);
    await clock.step(1_000);
    assert.deepEqual(names(kernel), ['other']);
    assert.deepEqual(kernel.all(ConfigMap), []);
  });

  it('does not mind a kind that is served no more', async () => {
    const { kernel, clock, remove } = await setUp();
    kernel.fault = ({ resource }) => (resource === 'configmaps' ? unknownResource() : undefined);
    await remove();
    await clock.step(1_000);
    assert.deepEqual(names(kernel), ['other']);
  });

  it('keeps finalizers of others', async () => {
    const kernel = new TestKernel();
    serveKinds(kernel);
    kernel.add(Namespace, {
      ...namespace('team'),
      spec: { finalizers: ['kubernetes', 'x.io/own'] },
    });
    const { clock } = await activate(plugin, { kernel });
    await kernel.objects.delete(Namespace, { name: 'team' });
    await clock.step(1_000);
    assert.deepEqual(kernel.get(Namespace, 'team')?.spec?.finalizers, ['x.io/own']);
  });

  it('goes on where a crash stopped it', async () => {
    const { kernel, dispose, remove, clock } = await setUp();
    kernel.fault = ({ subresource }) =>
      subresource === 'finalize' ? serviceUnavailable('crashed') : undefined;
    await remove();
    await clock.step(100);
    await dispose();
    assert.deepEqual(kernel.all(ConfigMap), []);
    kernel.fault = () => undefined;
    await activate(plugin, { kernel });
    assert.deepEqual(names(kernel), ['other']);
  });

  it('tells what remains though nothing holds it', async () => {
    const { kernel, clock, remove } = await setUp();
    kernel.fault = ({ verb, resource }) =>
      verb === 'deletecollection' && resource === 'pods' ? unknownResource() : undefined;
    await remove();
    await clock.step(5_000);
    assert.equal(
      conditions(kernel).ContentDeletionFailed,
      'Failed to delete all resource types, 1 remaining: unexpected items still remain in ' +
        'namespace: team for gvr: /v1, Resource=pods',
    );
  });

  it('deletes what is of a kind that is served only then', async () => {
    const { kernel, clock, remove } = await setUp();
    const held = { namespace: 'team', finalizers: ['test/hold'] };
    kernel.add(ConfigMap, { metadata: { name: 'held', ...held } });
    kernel.add(Secret, { metadata: { name: 's', namespace: 'team' } });
    await remove();
    await clock.step(1_000);
    assert.equal(kernel.all(Secret).length, 1);
    const served = { ...Secret, verbs: ALL_VERBS, expires: false };
    kernel.link('custom').provide(servedKindPoint, 'secrets', served);
    await clock.step(20_000);
    assert.equal(kernel.all(Secret).length, 0);
  });

  it('does not let go while a server that may have content does not tell what it serves', async () => {
    const { kernel, clock, remove } = await setUp();
    const versions = { groupPriorityMinimum: 1, versionPriority: 1 };
    const local = {
      metadata: { name: 'v1.apps' },
      spec: { group: 'apps', version: 'v1', ...versions },
    };
    const service = { namespace: 'default', name: 'metrics' };
    const spec = { group: 'metrics.example', version: 'v1', ...versions, service };
    kernel.add(APIService, local, { metadata: { name: 'v1.metrics.example' }, spec });
    await remove();
    await clock.step(30_000);
    assert.deepEqual(names(kernel), ['other', 'team']);
    assert.deepEqual(conditions(kernel), {
      DiscoveryFailed:
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of ' +
        'server APIs: metrics.example/v1: stale GroupVersion discovery: metrics.example/v1',
    });
    assert.deepEqual(kernel.all(ConfigMap), []);
    kernel.modify(APIService, 'v1.metrics.example', each => {
      each.status = { conditions: [{ type: 'Available', status: 'True' }] };
    });
    await clock.step(10_000);
    assert.deepEqual(names(kernel), ['other']);
  });
});
