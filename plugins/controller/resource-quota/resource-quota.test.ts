import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ALL_VERBS,
  ConfigMap,
  conflict,
  Deployment,
  forbidden,
  type Kind,
  type KubeObject,
  Pod,
  ResourceQuota,
  Service,
  type StringMap,
  servedKindPoint,
} from 'kernetes/sdk';
import { activate, deployment, pod, service, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const Widget: Kind = {
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  resource: 'widgets',
  namespaced: true,
};

type ServableKind = Omit<Kind, '__object'>;
type Spec = NonNullable<ResourceQuota['spec']>;

const quota = (hard: StringMap, spec: Spec = {}, status: ResourceQuota['status'] = {}) => ({
  metadata: { namespace: 'default', name: 'q' },
  spec: { hard, ...spec },
  status,
});
const configMap = (name: string, namespace = 'default') => ({ metadata: { name, namespace } });
const asking = (name: string, cpu: string) =>
  pod(name, {
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] },
  });

function serve(kernel: TestKernel, ...kinds: ServableKind[]): void {
  for (const kind of kinds) {
    const served = { ...kind, verbs: ALL_VERBS, expires: false };
    kernel.link('kinds').provide(servedKindPoint, kind.resource, served);
  }
}

async function start(prepare: (kernel: TestKernel) => void = () => {}) {
  const kernel = new TestKernel();
  serve(kernel, Pod, ConfigMap, Service, Deployment, ResourceQuota);
  prepare(kernel);
  const running = await activate(plugin, { kernel });
  // When it has seen all objects it counts them.
  await running.clock.step(50);
  const status = () => kernel.get(ResourceQuota, 'default/q')?.status ?? {};
  const used = () => status().used;
  /** All that was taken before is counted by now, and once more. */
  const settle = () => running.clock.step(1_000);
  return { ...running, status, used, settle };
}

describe('controller.resource-quota', () => {
  it('counts what there is in the namespace, of all kinds that the quota is on', async () => {
    const hard = {
      pods: '5',
      'requests.cpu': '2',
      configmaps: '3',
      'services.nodeports': '1',
      'count/deployments.apps': '4',
    };
    const { status } = await start(kernel => {
      kernel.add(ResourceQuota, quota(hard));
      kernel.add(Pod, asking('a', '250m'), asking('b', '1'), {
        ...asking('c', '1'),
        status: { phase: 'Failed' },
      });
      kernel.add(ConfigMap, configMap('a'), configMap('b', 'other'));
      kernel.add(Service, service('s', { type: 'NodePort' }));
      kernel.add(Deployment, deployment('d'));
    });
    assert.deepEqual(status(), {
      hard,
      used: {
        pods: '2',
        'requests.cpu': '1250m',
        configmaps: '1',
        'services.nodeports': '1',
        'count/deployments.apps': '1',
      },
    });
  });

  it('counts only what is in the scopes', async () => {
    const { used } = await start(kernel => {
      const values = ['high'];
      const scopeSelector = {
        matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values }],
      };
      kernel.add(ResourceQuota, quota({ pods: '5' }, { scopes: ['Terminating'], scopeSelector }));
      const spec = { containers: [], priorityClassName: 'high' };
      kernel.add(Pod, pod('a', { spec }));
      kernel.add(Pod, pod('b', { spec: { ...spec, activeDeadlineSeconds: 5 } }));
    });
    assert.deepEqual(used(), { pods: '1' });
  });

  it('follows what comes, ends, and goes', async () => {
    const { kernel, used, settle } = await start(kernel =>
      kernel.add(ResourceQuota, quota({ pods: '5', 'count/pods': '5' })),
    );
    kernel.add(Pod, pod('a'), pod('b'));
    await settle();
    assert.deepEqual(used(), { pods: '2', 'count/pods': '2' });
    kernel.modify(Pod, 'default/a', each => {
      each.status = { phase: 'Succeeded' };
    });
    await settle();
    assert.deepEqual(used(), { pods: '1', 'count/pods': '2' });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'b' });
    await settle();
    assert.deepEqual(used(), { pods: '0', 'count/pods': '1' });
  });

  it('follows other limits within a tenth of a second', async () => {
    const { kernel, clock, status } = await start(kernel => {
      kernel.add(ResourceQuota, quota({ pods: '5' }));
      kernel.add(ConfigMap, configMap('a'));
    });
    kernel.modify(ResourceQuota, 'default/q', ({ spec }) => {
      Object.assign(spec ?? {}, { hard: { pods: '6', configmaps: '2' } });
    });
    await clock.step(100);
    await clock.step(0);
    assert.deepEqual(status(), {
      hard: { pods: '6', configmaps: '2' },
      used: { pods: '0', configmaps: '1' },
    });
  });

  it('counts kinds that are served later, and watches none that no quota is on', async () => {
    const { kernel, used, settle } = await start(kernel =>
      kernel.add(ResourceQuota, quota({ 'count/widgets.example.com': '5' })),
    );
    assert.deepEqual(used(), {});
    kernel.add(Widget, configMap('w') as KubeObject);
    serve(kernel, Widget);
    await settle();
    assert.deepEqual(used(), { 'count/widgets.example.com': '1' });
    const listed = kernel.requests.filter(({ verb }) => verb === 'list');
    assert.deepEqual(
      listed.map(({ resource }) => resource),
      ['resourcequotas', 'widgets'],
    );
  });

  it('watches a kind no longer that no quota is on any more', async () => {
    const { kernel, used, settle } = await start(kernel =>
      kernel.add(ResourceQuota, quota({ pods: '5', configmaps: '5' })),
    );
    kernel.modify(ResourceQuota, 'default/q', ({ spec }) => {
      Object.assign(spec ?? {}, { hard: { pods: '5' } });
    });
    await settle();
    assert.deepEqual(used(), { pods: '0' });
    const before = kernel.requests.length;
    kernel.add(ConfigMap, configMap('a'));
    await settle();
    assert.equal(kernel.requests.length, before);
    await kernel.objects.delete(ResourceQuota, { namespace: 'default', name: 'q' });
    kernel.add(Pod, pod('a'));
    await settle();
    assert.equal(kernel.requests.length, before);
  });

  it('writes nothing where nothing is new', async () => {
    const hard = { pods: '5' };
    const { kernel, settle } = await start(kernel =>
      kernel.add(ResourceQuota, quota(hard, {}, { hard, used: { pods: '0' } })),
    );
    kernel.add(ConfigMap, configMap('a'));
    await settle();
    assert.ok(!kernel.requests.some(({ verb }) => verb === 'update'));
  });

  it('holds back for a moment what was taken for pods that it does not see yet', async () => {
    const hard = { pods: '5' };
    const { kernel, clock, used } = await start(kernel => {
      kernel.add(ResourceQuota, quota(hard, {}, { hard, used: { pods: '1' } }));
      kernel.add(Pod, pod('a'));
    });
    await clock.step(1_000);
    kernel.modify(ResourceQuota, 'default/q', ({ status }) => {
      Object.assign(status ?? {}, { used: { pods: '2' } });
    });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    await clock.step(400);
    assert.deepEqual(used(), { pods: '1' });
    // Nothing came of it.
    await clock.step(200);
    assert.deepEqual(used(), { pods: '0' });
  });

  it('does not wait for ever for a kind that it may not see', async () => {
    const { used, clock } = await start(kernel => {
      kernel.fault = ({ resource }) =>
        resource === 'configmaps' ? forbidden(ConfigMap, '', 'no') : undefined;
      kernel.add(ResourceQuota, quota({ pods: '5', configmaps: '5' }));
    });
    assert.equal(used(), undefined);
    await clock.step(5_000);
    assert.deepEqual(used(), { pods: '0' });
  });

  it('counts again after it lost a race', async () => {
    const { used, settle } = await start(kernel => {
      let losses = 2;
      kernel.fault = ({ verb }) =>
        verb === 'update' && losses-- > 0 ? conflict(ResourceQuota, 'q') : undefined;
      kernel.add(ResourceQuota, quota({ pods: '5' }));
    });
    await settle();
    assert.deepEqual(used(), { pods: '0' });
  });

  it('counts everything anew from time to time: what is overdue for one', async () => {
    const { kernel, clock, used, settle } = await start(kernel => {
      kernel.add(ResourceQuota, quota({ pods: '5' }));
    });
    const deletionTimestamp = new Date(clock.now() + 30_000).toISOString();
    kernel.add(Pod, pod('a', { metadata: { deletionTimestamp, deletionGracePeriodSeconds: 30 } }));
    await settle();
    assert.deepEqual(used(), { pods: '1' });
    await clock.step(300_000);
    assert.deepEqual(used(), { pods: '0' });
  });
});
