import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { APIService, type KindDefinition } from 'kernetes/sdk';
import { TestKernel, testContext } from 'kernetes/sdk/testing';
import { LocalServices } from './local-services.ts';

function kind(group: string, ...versions: string[]): KindDefinition {
  return { group, versions: versions.map(name => ({ name })) } as unknown as KindDefinition;
}

async function setUp(kernel: TestKernel, served: KindDefinition[]) {
  const { context } = testContext({ kernel });
  const services = context.informer(APIService);
  await services.synced;
  const local = new LocalServices({
    objects: context.objects,
    services,
    kinds: {
      list: () => served.map((value, i) => ({ name: `${i}`, plugin: 'k', value, remote: false })),
      onChange: () => () => undefined,
    },
    release: 0,
  });
  const names = () => kernel.all(APIService).map(({ metadata }) => metadata.name);
  return { local, names };
}

describe('LocalServices', () => {
  it('makes one for each group version, with its priority, but for its own', async () => {
    const kernel = new TestKernel();
    const served = [
      kind('', 'v1'),
      kind('autoscaling', 'v2', 'v1'),
      kind('autoscaling', 'v1'),
      kind('apiregistration.k8s.io', 'v1'),
      kind('example.com', 'v1'),
    ];
    const { local, names } = await setUp(kernel, served);
    await local.reconcile();
    assert.deepEqual(names().sort(), ['v1.', 'v1.autoscaling', 'v1.example.com', 'v2.autoscaling']);
    const told = kernel.all(APIService).map(({ metadata, spec }) => {
      const managed = Object.values(metadata.labels ?? {}).join();
      return `${metadata.name} ${spec?.groupPriorityMinimum} ${spec?.versionPriority} ${managed}`;
    });
    assert.ok(told.includes('v2.autoscaling 17500 30 onstart'));
    assert.ok(told.includes('v1.example.com 1000 100 true'));
    await local.reconcile();
  });

  it('removes what went, and nothing of what may still come or is not its own', async () => {
    const kernel = new TestKernel();
    const served = [kind('policy', 'v1', 'v1beta1'), kind('example.com', 'v1')];
    await (await setUp(kernel, served)).local.reconcile();
    const spec = { group: 'a.b', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 };
    await kernel.objects.create(APIService, { metadata: { name: 'v1.a.b' }, spec });

    const later: KindDefinition[] = [kind('policy', 'v1')];
    const { local, names } = await setUp(kernel, later);
    await local.reconcile();
    assert.deepEqual(names().sort(), ['v1.a.b', 'v1.example.com', 'v1.policy']);
    later.push(kind('example.com', 'v1'));
    await local.reconcile();
    later.pop();
    await local.reconcile();
    assert.deepEqual(names().sort(), ['v1.a.b', 'v1.policy']);
  });
});
