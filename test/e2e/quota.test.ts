import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import {
  ConfigMap,
  type Kind,
  type KubeObject,
  Namespace,
  ReplicaSet,
  ResourceQuota,
} from 'kernetes/sdk';
import { crdOf, establish } from './crds.ts';
import { Kubectl, withoutKubectl } from './kubectl.ts';

/** Quotas as their users see them. */
let cluster: Cluster;
let kubectl: Kubectl;

before(async () => {
  cluster = await createCluster({ nodes: 1 });
  kubectl = new Kubectl(await cluster.kubeconfig());
});

after(() => cluster?.close());

/** A namespace with a quota that holds already. */
async function limited(namespace: string, hard: Record<string, string>): Promise<void> {
  await cluster.objects.create(Namespace, { metadata: { name: namespace } });
  await cluster.objects.create(ResourceQuota, {
    metadata: { namespace, name: 'q' },
    spec: { hard },
  });
  await used(namespace, () => true);
}

/** What is used when `isEnough` first holds, and all that there is a limit of was counted. */
async function used(
  namespace: string,
  isEnough: (used: Readonly<Record<string, string>>) => boolean,
): Promise<Readonly<Record<string, string>>> {
  const quota = await cluster.until(
    { kind: ResourceQuota, namespace, name: 'q' },
    ({ spec, status: { hard, used } = {} }) =>
      used !== undefined &&
      JSON.stringify(Object.keys(hard ?? {}).sort()) ===
        JSON.stringify(Object.keys(spec?.hard ?? {}).sort()) &&
      isEnough(used),
  );
  return quota.status?.used ?? {};
}

const configMap = (namespace: string, name: string): ConfigMap => ({
  metadata: { namespace, name },
});

describe('kubectl, of quotas', { skip: withoutKubectl() }, () => {
  it('makes one and shows how much of it is used', async () => {
    await cluster.objects.create(Namespace, { metadata: { name: 'shown' } });
    const hard = 'pods=50,limits.cpu=2,count/deployments.apps=4';
    const created = await kubectl.run(`create quota q -n shown --hard=${hard}`);
    assert.equal(created, 'resourcequota/q created\n');
    await used('shown', () => true);
    const row = await kubectl.run('get quota q -n shown --no-headers');
    assert.match(row, /^q +count\/deployments.apps: 0\/4, pods: 0\/50 +limits.cpu: 0\/2 /);
    const described = await kubectl.run('describe quota q -n shown');
    assert.match(described, /\npods +0 +50\n/);
  });

  it('is told what is too much', async () => {
    await limited('full', { configmaps: '1' });
    // The cluster's certificate is in one.
    await used('full', ({ configmaps }) => configmaps === '1');
    await assert.rejects(kubectl.run('create configmap c -n full'), {
      stderr:
        'error: failed to create configmap: configmaps "c" is forbidden: exceeded quota: q, ' +
        'requested: configmaps=1, used: configmaps=1, limited: configmaps=1\n',
    });
  });
});

describe('a quota', () => {
  it('stops a Deployment, which goes on when there is room', {
    skip: withoutKubectl(),
  }, async () => {
    const { objects } = cluster;
    await limited('stopped', { pods: '2' });
    await kubectl.run('create deployment web -n stopped --image=nginx --replicas=3');
    assert.deepEqual(await used('stopped', ({ pods }) => pods === '2'), { pods: '2' });
    const [set] = (await objects.list(ReplicaSet, { namespace: 'stopped' })).items;
    const name = set?.metadata.name ?? '';
    const failed = await cluster.until(
      { kind: ReplicaSet, namespace: 'stopped', name },
      ({ status }) => status?.conditions?.some(({ type }) => type === 'ReplicaFailure') ?? false,
    );
    const [condition] = failed.status?.conditions ?? [];
    assert.equal(condition?.reason, 'FailedCreate');
    assert.equal(
      condition?.message,
      `pods "${name}-" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2`,
    );
    await kubectl.run('patch quota q -n stopped --type=merge -p {"spec":{"hard":{"pods":"3"}}}');
    await cluster.until(
      { kind: ReplicaSet, namespace: 'stopped', name },
      ({ status }) => status?.replicas === 3,
    );
  });

  it('lets through as many of a burst as fit, and gives back what goes', async () => {
    const { objects } = cluster;
    await limited('burst', { 'count/secrets': '9', configmaps: '21' });
    await used('burst', ({ configmaps }) => configmaps === '1');
    const names = Array.from({ length: 50 }, (_, i) => `c${i}`);
    const results = await Promise.allSettled(
      names.map(name => objects.create(ConfigMap, configMap('burst', name))),
    );
    const made = names.filter((_, i) => results[i]?.status === 'fulfilled');
    assert.equal(made.length, 20);
    for (const name of made.slice(5)) await objects.delete(ConfigMap, { namespace: 'burst', name });
    assert.deepEqual(await used('burst', ({ configmaps }) => configmaps === '6'), {
      'count/secrets': '0',
      configmaps: '6',
    });
  });

  it('takes nothing for what is refused later, or only tried', async () => {
    const { objects } = cluster;
    await limited('tried', { configmaps: '5' });
    const before = await used('tried', ({ configmaps }) => configmaps === '1');
    await objects.create(ConfigMap, configMap('tried', 'c'), { dryRun: true });
    await assert.rejects(objects.create(ConfigMap, configMap('tried', 'kube-root-ca.crt')), {
      reason: 'AlreadyExists',
    });
    assert.deepEqual(await used('tried', ({ configmaps }) => configmaps === '1'), before);
  });

  it('counts custom resources', async () => {
    const { objects } = cluster;
    await establish(cluster, crdOf({ group: 'example.com', kind: 'Widget' }));
    await limited('custom', { 'count/widgets.example.com': '1' });
    const Widget: Kind<KubeObject> = {
      group: 'example.com',
      version: 'v1',
      kind: 'Widget',
      resource: 'widgets',
      namespaced: true,
    };
    const widget = (name: string) => ({ metadata: { namespace: 'custom', name } });
    await objects.create(Widget, widget('a'));
    await assert.rejects(objects.create(Widget, widget('b')), {
      message:
        'widgets.example.com "b" is forbidden: exceeded quota: q, requested: ' +
        'count/widgets.example.com=1, used: count/widgets.example.com=1, ' +
        'limited: count/widgets.example.com=1',
    });
  });
});
