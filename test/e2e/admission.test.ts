import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import {
  LimitRange,
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  type PodSpec,
  PriorityClass,
  StorageClass,
} from 'kernetes/sdk';
import { until } from './eventually.ts';

/** What the server adds to objects, and the controllers that take some of it off again. */
let cluster: Cluster;

before(async () => {
  cluster = await createCluster({ nodes: 1 });
});

after(() => cluster?.close());

function podIn(namespace: string, name: string, spec: Partial<PodSpec> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { containers: [{ name: 'main', image: 'nginx' }], ...spec },
  };
}

const isReady = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

describe('a pod', () => {
  it('can be made right after its namespace, and is complete', async () => {
    const { objects } = cluster;
    await objects.create(Namespace, { metadata: { name: 'fresh' } });
    const { spec } = await objects.create(Pod, podIn('fresh', 'web'));
    assert.equal(spec?.serviceAccountName, 'default');
    assert.equal(spec?.priority, 0);
    assert.equal(spec?.tolerations?.length, 2);
    assert.match(spec?.volumes?.[0]?.name ?? '', /^kube-api-access-/);
    await cluster.until({ kind: Pod, namespace: 'fresh', name: 'web' }, isReady);
  });

  it('that is refused goes by what its name was to begin with', async () => {
    const { metadata, ...rest } = podIn('default', '', { serviceAccountName: 'none' });
    const drawn = {
      ...rest,
      metadata: { namespace: metadata.namespace ?? '', generateName: 'x-' },
    };
    await assert.rejects(cluster.objects.create(Pod, drawn), {
      message:
        'pods "x-" is forbidden: error looking up service account default/none: ' +
        'serviceaccount "none" not found',
    });
  });

  it('has no owner for what the server added', async () => {
    const { metadata } = await cluster.objects.create(Pod, podIn('default', 'owned'));
    const [entry, ...more] = metadata.managedFields ?? [];
    assert.deepEqual(more, []);
    const { 'f:spec': spec } = (entry?.fieldsV1 ?? {}) as Record<string, object>;
    const fields = Object.keys(spec ?? {});
    assert.ok(fields.includes('f:containers') && fields.includes('f:restartPolicy'));
    const added = ['f:tolerations', 'f:volumes', 'f:serviceAccountName', 'f:priority'];
    assert.deepEqual(
      added.filter(field => fields.includes(field)),
      [],
    );
  });

  it('gets the class and the limits that are the default when it is made', async () => {
    const { objects } = cluster;
    await objects.create(Namespace, { metadata: { name: 'limited' } });
    await objects.create(LimitRange, {
      metadata: { name: 'l', namespace: 'limited' },
      spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] },
    });
    const usual = { metadata: { name: 'usual' }, value: 7, globalDefault: true };
    await objects.create(PriorityClass, usual);
    const { spec, status } = await objects.create(Pod, podIn('limited', 'web'));
    await objects.delete(PriorityClass, { name: 'usual' });
    assert.equal(spec?.containers[0]?.resources?.limits?.cpu, '1');
    assert.equal(spec?.containers[0]?.resources?.requests?.cpu, '1');
    assert.deepEqual([spec?.priorityClassName, spec?.priority], ['usual', 7]);
    assert.equal(status?.qosClass, 'Burstable');
  });
});

it('a node has the taint of new nodes until it is seen to be ready', async () => {
  const { objects } = cluster;
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  const made = await objects.create(Node, { metadata: { name: 'late' }, status });
  const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
  assert.deepEqual(made.spec?.taints, [taint]);
  const target = { kind: Node, name: 'late' };
  await cluster.until(target, ({ spec }) => (spec?.taints ?? []).length === 0);
  await objects.delete(Node, { name: 'late' });
});

it('a claim gets the default class, and stays while a pod uses it', async () => {
  const { objects } = cluster;
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  const provisioner = 'kernetes.dev/local';
  await objects.create(StorageClass, { metadata: { name: 's', annotations }, provisioner });
  const key = { namespace: 'default', name: 'data' };
  const resources = { requests: { storage: '1Gi' } };
  const spec = { accessModes: ['ReadWriteOnce'], resources };
  const claim = await objects.create(PersistentVolumeClaim, { metadata: key, spec });
  assert.equal(claim.spec?.storageClassName, 's');
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }];
  await objects.create(Pod, podIn('default', 'user', { volumes }));
  await cluster.until({ kind: Pod, namespace: 'default', name: 'user' }, isReady);
  await objects.delete(PersistentVolumeClaim, key);
  const held = await objects.get(PersistentVolumeClaim, key);
  assert.deepEqual(held.metadata.finalizers, ['kubernetes.io/pvc-protection']);
  const selector = { fieldSelector: 'metadata.name=data' };
  await objects.delete(Pod, { namespace: 'default', name: 'user' }, { gracePeriodSeconds: 0 });
  await until(async () => (await objects.list(PersistentVolumeClaim, selector)).items.length === 0);
});
