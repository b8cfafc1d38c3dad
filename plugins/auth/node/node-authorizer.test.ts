import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Authorizer,
  authorizerPoint,
  PersistentVolume,
  Pod,
  type ResourceAttributes,
  VolumeAttachment,
} from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const NODE = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };

const pod = (name: string, nodeName: string, spec: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name, namespace: 'x' },
  spec: { nodeName, containers: [{ name: 'c' }], ...spec },
});

function world(): TestKernel {
  const kernel = new TestKernel();
  const source = (name: string) => ({ secretKeyRef: { name, key: 'k' } });
  kernel.add(
    Pod,
    pod('mine', 'n1', {
      serviceAccountName: 'bot',
      imagePullSecrets: [{ name: 'pull' }],
      initContainers: [{ name: 'i', envFrom: [{ configMapRef: { name: 'init-env' } }] }],
      containers: [{ name: 'c', env: [{ name: 'A', valueFrom: source('env') }] }],
      volumes: [
        { name: 's', secret: { secretName: 'mounted' } },
        { name: 'p', projected: { sources: [{ configMap: { name: 'projected' } }] } },
        { name: 'd', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'e', ephemeral: {} },
      ],
    }),
    pod('other', 'n2', { volumes: [{ name: 's', secret: { secretName: 'theirs' } }] }),
    pod('waiting', '', { volumes: [{ name: 's', secret: { secretName: 'nobodys' } }] }),
  );
  const mirror = pod('mirror', 'n1', {
    volumes: [{ name: 's', secret: { secretName: 'stolen' } }],
  });
  mirror.metadata.annotations = { 'kubernetes.io/config.mirror': 'hash' };
  kernel.add(Pod, mirror);
  const csi = { driver: 'd', volumeHandle: 'h', nodePublishSecretRef: { name: 'csi' } };
  kernel.add(
    PersistentVolume,
    { metadata: { name: 'pv' }, spec: { claimRef: { namespace: 'x', name: 'data' }, csi } },
    { metadata: { name: 'free' }, spec: {} },
  );
  kernel.add(
    VolumeAttachment,
    { metadata: { name: 'here' }, spec: { attacher: 'a', nodeName: 'n1', source: {} } },
    { metadata: { name: 'there' }, spec: { attacher: 'a', nodeName: 'n2', source: {} } },
  );
  return kernel;
}

async function open(kernel = world()): Promise<{ authorizer: Authorizer; kernel: TestKernel }> {
  const { context } = await activate(plugin, { kernel });
  const [found] = context.contributions(authorizerPoint).list();
  assert.ok(found);
  return { authorizer: found.value, kernel };
}

/** `get secrets x/name`, with a group and a subresource perhaps: `update pods/status x/p`. */
function asked(text: string, options: Partial<ResourceAttributes> = {}): ResourceAttributes {
  const [verb = '', what = '', where = ''] = text.split(' ');
  const [full = '', group = ''] = what.split('@');
  const [resource = '', subresource = ''] = full.split('/');
  const [namespace = '', name = ''] = where.includes('/') ? where.split('/') : ['', where];
  const at = { group, version: 'v1', resource, subresource, namespace, name };
  return { user: NODE, verb, ...at, ...options };
}

const unrelated = "no relationship found between node 'n1' and this object";

describe('a node', () => {
  const allowed = [
    ...['get secrets x/env', 'get secrets x/mounted', 'watch secrets x/pull', 'get secrets x/csi'],
    ...['list configmaps x/init-env', 'get configmaps x/projected'],
    ...['get persistentvolumeclaims x/data', 'get persistentvolumeclaims x/mine-e'],
    ...['patch persistentvolumeclaims/status x/data', 'get persistentvolumes pv'],
    ...['create serviceaccounts/token x/bot', 'get volumeattachments@storage.k8s.io here'],
    ...['get pods x/mine', 'watch pods x/mine', 'create pods x/any', 'delete pods x/any'],
    ...['patch pods/status x/any', 'create pods/eviction x/any'],
    ...['create nodes', 'get nodes n1', 'watch nodes n1', 'patch nodes/status n1'],
    ...['create leases@coordination.k8s.io kube-node-lease/'],
    ...['update leases@coordination.k8s.io kube-node-lease/n1'],
    ...['get csinodes@storage.k8s.io n1', 'list services', 'create events x/'],
    'create tokenreviews@authentication.k8s.io',
  ];
  for (const text of allowed) {
    it(`may ${text}`, async () => {
      assert.equal(await (await open()).authorizer.authorize(asked(text)), 'allow');
    });
  }

  const refused: readonly [string, string][] = [
    ['get secrets x/theirs', unrelated],
    ['get secrets x/nobodys', unrelated],
    ['get secrets x/stolen', unrelated],
    ['get secrets y/env', unrelated],
    ['get secrets x/none', unrelated],
    ['list secrets x/', 'No Object name found'],
    ['list secrets', 'can only read namespaced object of this type'],
    ['update secrets x/env', 'can only read resources of this type'],
    ['get secrets/x x/env', 'cannot read subresource'],
    ['get configmaps x/env', unrelated],
    ['list persistentvolumeclaims x/data', 'can only get individual resources of this type'],
    ['delete persistentvolumeclaims/status x/data', 'can only get/update/patch this type'],
    ['get persistentvolumes free', unrelated],
    ['get volumeattachments@storage.k8s.io there', unrelated],
    ['get volumeattachments@storage.k8s.io none', unrelated],
    ['create serviceaccounts/token x/default', unrelated],
    ['get serviceaccounts x/bot', 'can only create tokens for individual service accounts'],
    ['get pods x/other', unrelated],
    ['list pods', 'can only list/watch pods with spec.nodeName field selector'],
    ['list nodes', "node 'n1' cannot read all nodes, only its own Node object"],
    ['get nodes n2', "node 'n1' cannot read 'n2', only its own Node object"],
    [
      'get leases@coordination.k8s.io kube-node-lease/n2',
      'can only access node lease with the same name as the requesting node',
    ],
    [
      'get leases@coordination.k8s.io kube-system/n1',
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [
      'list leases@coordination.k8s.io kube-node-lease/n1',
      'can only get, create, update, patch, or delete a node lease',
    ],
    [
      'get csinodes@storage.k8s.io n2',
      'can only access CSINode with the same name as the requesting node',
    ],
    ['get resourceslices@resource.k8s.io s', unrelated],
    [
      'list resourceslices@resource.k8s.io',
      'can only list/watch/deletecollection resourceslices with nodeName field selector',
    ],
    ['delete nodes n1', ''],
    ['update pods x/mine', ''],
    ['create pods/exec x/mine', ''],
    ['list clusterroles@rbac.authorization.k8s.io', ''],
  ];
  for (const [text, reason] of refused) {
    it(`may not ${text}`, async () => {
      const decision = await (await open()).authorizer.authorize(asked(text));
      const expected = reason ? { verdict: 'no-opinion', reason } : 'no-opinion';
      assert.deepEqual(decision, expected);
    });
  }

  it('may list the pods and slices that it selects by its name', async () => {
    const { authorizer } = await open();
    const verdict = async (text: string, fieldSelector: string) =>
      typeof (await authorizer.authorize(asked(text, { fieldSelector })));
    for (const text of ['list pods', 'watch pods', 'list resourceslices@resource.k8s.io']) {
      assert.equal(await verdict(text, 'spec.nodeName=n1'), 'string');
      assert.equal(await verdict(text, 'spec.nodeName=n2'), 'object');
      assert.equal(await verdict(text, 'spec.nodeName!=n1'), 'object');
      assert.equal(await verdict(text, 'metadata.name=spec.nodeName'), 'object');
    }
  });

  it('loses what its pods referred to when they go', async () => {
    const { authorizer, kernel } = await open();
    assert.equal(await authorizer.authorize(asked('get secrets x/env')), 'allow');
    await kernel.objects.delete(Pod, { namespace: 'x', name: 'mine' });
    await new Promise(setImmediate);
    const decision = await authorizer.authorize(asked('get secrets x/env'));
    assert.deepEqual(decision, { verdict: 'no-opinion', reason: unrelated });
  });
});

describe('auth.node', () => {
  const users = [
    { name: 'bob', groups: ['system:nodes'] },
    { name: 'system:node:n1', groups: ['system:authenticated'] },
    { name: 'system:nodes:n1', groups: ['system:nodes'] },
  ];
  for (const user of users) {
    it(`has no opinion about ${user.name} of ${user.groups}, and watches nothing`, async () => {
      const { authorizer, kernel } = await open();
      assert.equal(authorizer.authorize(asked('get nodes n1', { user })), 'no-opinion');
      assert.deepEqual(kernel.requests, []);
    });
  }

  it('refuses a node without a name', async () => {
    const { authorizer } = await open();
    const user = { ...NODE, name: 'system:node:' };
    assert.deepEqual(await authorizer.authorize(asked('get nodes', { user })), {
      verdict: 'no-opinion',
      reason: 'unknown node for user "system:node:"',
    });
  });
});
