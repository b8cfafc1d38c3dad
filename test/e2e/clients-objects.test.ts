import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  ApiException,
  ApiextensionsV1Api,
  AppsV1Api,
  AuthenticationV1Api,
  AuthorizationV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  EventsV1Api,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
  PolicyV1Api,
  RbacAuthorizationV1Api,
  setHeaderOptions,
  V1MicroTime,
  type V1Status,
  Watch,
} from '@kubernetes/client-node';
import { type Cluster, createCluster } from 'kernetes';
import { CustomResourceDefinition, Pod, ReplicaSet, ServiceAccount } from 'kernetes/sdk';
import { eventually } from './eventually.ts';

const namespace = 'default';

/** The official library's other clients. */
describe('clients of @kubernetes/client-node', { timeout: 60_000 }, () => {
  let cluster: Cluster;
  let config: KubeConfig;
  let core: CoreV1Api;
  let objects: KubernetesObjectApi;

  before(async () => {
    cluster = await createCluster({ nodes: 1 });
    config = new KubeConfig();
    config.loadFromFile(await cluster.kubeconfig());
    core = config.makeApiClient(CoreV1Api);
    objects = KubernetesObjectApi.makeApiClient(config);
    await cluster.until({ kind: ServiceAccount, namespace, name: 'default' }, () => true);
  });
  after(() => cluster?.close());

  it('objects of any kind are read, replaced, listed and patched in each of four ways', async () => {
    const header = { apiVersion: 'v1', kind: 'ConfigMap' };
    const metadata = { name: 'any', namespace, labels: { app: 'any' } };
    const made = await objects.create<Data>({ ...header, metadata, data: { a: 'b' } });
    assert.deepEqual(await objects.read(target('any')), made);
    const patch = async (body: Data, strategy: PatchStrategy) =>
      (await objects.patch<Data>(body, undefined, undefined, 'me', undefined, strategy)).data;
    const changed = (data: Record<string, string | null>) => ({ ...header, metadata, data });
    const { StrategicMergePatch, MergePatch } = PatchStrategy;
    assert.deepEqual(await patch(changed({ c: 'd' }), StrategicMergePatch), { a: 'b', c: 'd' });
    assert.deepEqual(await patch(changed({ a: null }), MergePatch), { c: 'd' });
    const applied = await objects.patch<Data>(
      changed({ e: 'f' }),
      undefined,
      undefined,
      'applier',
      true,
      PatchStrategy.ServerSideApply,
    );
    assert.deepEqual(applied.data, { c: 'd', e: 'f' });
    const managers = applied.metadata?.managedFields?.map(
      each => `${each.manager} ${each.operation}`,
    );
    assert.ok(managers?.includes('applier Apply'));
    const operations = [{ op: 'replace', path: '/data/e', value: 'g' }];
    const json = await core.patchNamespacedConfigMap(
      { namespace, name: 'any', body: operations },
      setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
    );
    assert.deepEqual(json.data, { c: 'd', e: 'g' });
    const replaced = await objects.replace<Data>({ ...changed({ z: 'z' }), data: { z: 'z' } });
    assert.deepEqual(replaced.data, { z: 'z' });
    const found = await objects.list(
      'v1',
      'ConfigMap',
      namespace,
      undefined,
      undefined,
      undefined,
      undefined,
      'app=any',
    );
    assert.deepEqual(
      found.items.map(each => each.metadata?.name),
      ['any'],
    );
    await objects.delete(target('any'));
    await assert.rejects(objects.read(target('any')), isStatus(404, 'NotFound'));
  });

  it('refusals have a Status with reason and causes', async () => {
    const create = (name: string) =>
      core.createNamespacedConfigMap({ namespace, body: { metadata: { name } } });
    await create('taken');
    await assert.rejects(create('taken'), isStatus(409, 'AlreadyExists'));
    await assert.rejects(create('Not A Name'), isStatus(422, 'Invalid', 'metadata.name'));
    const read = core.readNamespacedPod({ namespace, name: 'none' });
    await assert.rejects(read, isStatus(404, 'NotFound'));
  });

  it('a definition makes a resource with selectors, status, scale and watches', async () => {
    const definitions = config.makeApiClient(ApiextensionsV1Api);
    await definitions.createCustomResourceDefinition({ body: WIDGETS });
    const isEstablished = ({ status }: CustomResourceDefinition) =>
      (status?.conditions ?? []).some(
        each => each.type === 'Established' && each.status === 'True',
      );
    await cluster.until(
      { kind: CustomResourceDefinition, name: WIDGETS.metadata.name },
      isEstablished,
    );
    const custom = config.makeApiClient(CustomObjectsApi);
    const widgets = { group: 'clients.example', version: 'v1', plural: 'widgets', namespace };
    const widget = (name: string, tier: string) => ({
      apiVersion: 'clients.example/v1',
      kind: 'Widget',
      metadata: { name, labels: { tier } },
      spec: { replicas: 1 },
    });
    const seen: string[] = [];
    const watched = new Promise<void>((resolve, reject) => {
      const path = `/apis/clients.example/v1/namespaces/${namespace}/widgets`;
      const watch = new Watch(config).watch(
        path,
        { labelSelector: 'tier=front' },
        (type: string, { metadata }: KubernetesObject) => {
          seen.push(`${type} ${metadata?.name}`);
          if (type === 'DELETED') watch.then(request => request.abort(), reject);
        },
        () => resolve(),
      );
      watch.catch(reject);
    });
    for (const [name, tier] of [
      ['a', 'front'],
      ['b', 'back'],
    ] as const)
      await custom.createNamespacedCustomObject({ ...widgets, body: widget(name, tier) });
    const selected = await custom.listNamespacedCustomObject({
      ...widgets,
      labelSelector: 'tier=back',
    });
    assert.deepEqual(
      (selected as List).items.map(({ metadata }) => metadata.name),
      ['b'],
    );
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    const status = { status: { replicas: 1, phase: 'Well' }, spec: { replicas: 9 } };
    const written = await custom.patchNamespacedCustomObjectStatus(
      { ...widgets, name: 'a', body: status },
      merge,
    );
    assert.deepEqual(
      [written.spec, written.status],
      [{ replicas: 1 }, { replicas: 1, phase: 'Well' }],
    );
    await custom.patchNamespacedCustomObjectScale(
      { ...widgets, name: 'a', body: { spec: { replicas: 3 } } },
      merge,
    );
    const scale = await custom.getNamespacedCustomObjectScale({ ...widgets, name: 'a' });
    assert.deepEqual(
      [scale.kind, scale.spec, scale.status],
      ['Scale', { replicas: 3 }, { replicas: 1 }],
    );
    await custom.deleteNamespacedCustomObject({ ...widgets, name: 'a' });
    await watched;
    assert.deepEqual([seen[0], seen.at(-1)], ['ADDED a', 'DELETED a']);
    assert.ok(!seen.some(each => each.endsWith(' b')));
    await definitions.deleteCustomResourceDefinition({ name: WIDGETS.metadata.name });
  });

  it('a deletion that orphans leaves what is owned', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const made = await apps.createNamespacedDeployment({ namespace, body: deployment('orphaned') });
    const isAvailable = ({ status }: ReplicaSet) => status?.availableReplicas === 1;
    const {
      items: [set],
    } = await polled(
      () => apps.listNamespacedReplicaSet({ namespace, labelSelector: 'app=orphaned' }),
      ({ items }) => items.length === 1,
    );
    const name = set?.metadata?.name ?? '';
    await cluster.until({ kind: ReplicaSet, namespace, name }, isAvailable);
    const options = { namespace, name: 'orphaned', propagationPolicy: 'Orphan' };
    await apps.deleteNamespacedDeployment(options);
    const isFree = ({ metadata }: ReplicaSet) => (metadata.ownerReferences ?? []).length === 0;
    const kept = await cluster.until({ kind: ReplicaSet, namespace, name }, isFree);
    assert.equal(set?.metadata?.ownerReferences?.[0]?.uid, made.metadata?.uid);
    await apps.deleteNamespacedReplicaSet({
      namespace,
      name,
      body: { propagationPolicy: 'Foreground', preconditions: { uid: kept.metadata.uid ?? '' } },
    });
    await polled(
      () => core.listNamespacedPod({ namespace, labelSelector: 'app=orphaned' }),
      ({ items }) => items.length === 0,
    );
  });

  it('an eviction holds to the budget', async () => {
    const policy = config.makeApiClient(PolicyV1Api);
    const labels = { app: 'guarded' };
    await core.createNamespacedPod({
      namespace,
      body: { metadata: { name: 'guarded', labels }, spec: POD },
    });
    const selector = { matchLabels: labels };
    await policy.createNamespacedPodDisruptionBudget({
      namespace,
      body: { metadata: { name: 'guard' }, spec: { selector, maxUnavailable: 0 } },
    });
    const evict = () =>
      core.createNamespacedPodEviction({
        namespace,
        name: 'guarded',
        body: { metadata: { name: 'guarded' } },
      });
    await assert.rejects(evict(), isStatus(429, 'TooManyRequests'));
    await policy.deleteNamespacedPodDisruptionBudget({ namespace, name: 'guard' });
    await evict();
    await polled(
      () => core.listNamespacedPod({ namespace, fieldSelector: 'metadata.name=guarded' }),
      ({ items }) => items.length === 0,
    );
  });

  it('a token of an account is whom reviews say, with the rights that roles give', async () => {
    const rbac = config.makeApiClient(RbacAuthorizationV1Api);
    await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'robot' } } });
    const request = {
      namespace,
      name: 'robot',
      body: { spec: { audiences: [], expirationSeconds: 600 } },
    };
    const { status } = await core.createNamespacedServiceAccountToken(request);
    const token = status?.token ?? '';
    assert.ok((status?.expirationTimestamp.getTime() ?? 0) > 0);
    const authentication = config.makeApiClient(AuthenticationV1Api);
    const review = await authentication.createTokenReview({ body: { spec: { token } } });
    assert.equal(review.status?.user?.username, `system:serviceaccount:${namespace}:robot`);
    const theirs = new KubeConfig();
    const server = config.getCurrentCluster() ?? assert.fail();
    theirs.loadFromClusterAndUser(server, { name: 'robot', token });
    const pods = () => theirs.makeApiClient(CoreV1Api).listNamespacedPod({ namespace });
    await assert.rejects(pods(), isStatus(403, 'Forbidden'));
    await rbac.createNamespacedRole({
      namespace,
      body: {
        metadata: { name: 'look' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
      },
    });
    await rbac.createNamespacedRoleBinding({
      namespace,
      body: {
        metadata: { name: 'look' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'look' },
        subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace }],
      },
    });
    const reviews = theirs.makeApiClient(AuthorizationV1Api);
    const may = async (verb: string) => {
      const resourceAttributes = { namespace, verb, resource: 'pods' };
      const body = { spec: { resourceAttributes } };
      return (await reviews.createSelfSubjectAccessReview({ body })).status?.allowed;
    };
    await polled(
      () => may('list'),
      allowed => allowed === true,
    );
    assert.equal(await may('delete'), false);
    assert.ok(Array.isArray((await pods()).items));
    const rules = await reviews.createSelfSubjectRulesReview({ body: { spec: { namespace } } });
    assert.ok(rules.status?.resourceRules.some(each => each.resources?.includes('pods')));
  });

  it('of two who hold the same lease one writes it, the other is told of a conflict', async () => {
    const leases = config.makeApiClient(CoordinationV1Api);
    const lease = (holderIdentity: string) => ({
      metadata: { name: 'leader' },
      spec: { holderIdentity, leaseDurationSeconds: 15, renewTime: new V1MicroTime() },
    });
    const made = await leases.createNamespacedLease({ namespace, body: lease('a') });
    const read = await leases.readNamespacedLease({ namespace, name: 'leader' });
    assert.deepEqual(read.spec?.renewTime, made.spec?.renewTime);
    const take = (holder: string) =>
      leases.replaceNamespacedLease({
        namespace,
        name: 'leader',
        body: { ...read, spec: { ...read.spec, ...lease(holder).spec } },
      });
    const taken = await Promise.allSettled([take('b'), take('c')]);
    const lost = taken.filter(each => each.status === 'rejected');
    assert.equal(lost.length, 1);
    assert.ok(isStatus(409, 'Conflict')(lost[0]?.reason));
  });

  it('events of both groups are one', async () => {
    const regarding = { kind: 'ConfigMap', namespace, name: 'any', apiVersion: 'v1' };
    const body = {
      metadata: { name: 'told' },
      eventTime: new V1MicroTime(),
      type: 'Normal',
      reason: 'Told',
      action: 'Tell',
      note: 'a note',
      regarding,
      reportingController: 'clients.example/test',
      reportingInstance: 'test-0',
    };
    await config.makeApiClient(EventsV1Api).createNamespacedEvent({ namespace, body });
    const { items } = await core.listNamespacedEvent({ namespace, fieldSelector: 'reason=Told' });
    assert.deepEqual(
      items.map(each => [each.message, each.involvedObject.name]),
      [['a note', 'any']],
    );
  });

  it('what runs in a pod is told by its status', async () => {
    await core.createNamespacedPod({ namespace, body: { metadata: { name: 'ran' }, spec: POD } });
    const isRunning = ({ status }: Pod) => status?.phase === 'Running';
    await cluster.until({ kind: Pod, namespace, name: 'ran' }, isRunning);
    const { status } = await core.readNamespacedPodStatus({ namespace, name: 'ran' });
    assert.ok(status?.containerStatuses?.[0]?.state?.running?.startedAt instanceof Date);
    await core.deleteNamespacedPod({ namespace, name: 'ran', gracePeriodSeconds: 0 });
  });
});

const POD = { containers: [{ name: 'main', image: 'nginx' }] };

function target(name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } };
}

function deployment(name: string) {
  const labels = { app: name };
  return {
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: POD } },
  };
}

/** What is read again until it is as wanted. */
async function polled<T>(read: () => Promise<T>, isWanted: (value: T) => boolean): Promise<T> {
  return eventually(async () => {
    const value = await read();
    return isWanted(value) ? value : undefined;
  });
}

function isStatus(code: number, reason: string, field?: string) {
  return (error: unknown) => {
    assert.ok(error instanceof ApiException);
    const body = typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
    const status = body as V1Status;
    assert.deepEqual([error.code, status.code, status.reason], [code, code, reason]);
    assert.equal(field && status.details?.causes?.[0]?.field, field);
    return true;
  };
}

interface Data extends KubernetesObject {
  data: Record<string, string | null>;
}

interface List {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

const WIDGETS = {
  metadata: { name: 'widgets.clients.example' },
  spec: {
    group: 'clients.example',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { replicas: { type: 'integer' } } },
              status: {
                type: 'object',
                properties: { replicas: { type: 'integer' }, phase: { type: 'string' } },
              },
            },
          },
        },
      },
    ],
  },
};
