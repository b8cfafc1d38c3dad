import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AdmissionRequest,
  ApiError,
  conflict,
  internalError,
  type KubeObject,
  PersistentVolumeClaim,
  type PodSpec,
  ResourceQuota,
  Service,
  type StringMap,
} from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission, service, TestKernel } from 'kernetes/sdk/testing';
import type { LimitedResource } from './limited.ts';
import plugin from './plugin.ts';

type Spec = NonNullable<ResourceQuota['spec']>;

/** As the controller leaves it: nothing is used but what is said. */
function quota(name: string, hard: StringMap, used: StringMap = {}, spec: Spec = {}) {
  const zeros = Object.fromEntries(Object.keys(hard).map(each => [each, '0']));
  return {
    metadata: { namespace: 'default', name },
    spec: { hard, ...spec },
    status: { hard, used: { ...zeros, ...used } },
  };
}

async function start(quotas: ResourceQuota[], limitedResources: LimitedResource[] = []) {
  const kernel = new TestKernel();
  kernel.add(ResourceQuota, ...quotas);
  const running = await runAdmission(plugin, { kernel, config: { limitedResources } });
  const used = (name: string) => kernel.get(ResourceQuota, `default/${name}`)?.status?.used;
  const writes = () => kernel.requests.filter(({ verb }) => verb === 'update').length;
  const settled = () => running.clock.step(0);
  return { ...running, used, writes, settled };
}

const podAsking = (requests: StringMap, spec: Partial<PodSpec> = {}) => {
  const containers = [{ name: 'main', image: 'i', resources: { requests } }];
  return pod('p', { spec: { containers, ...spec }, status: { qosClass: 'Burstable' } });
};
const about = (kind: { group: string; resource: string; kind: string }) => ({
  group: kind.group,
  resource: kind.resource,
  kind: kind.kind,
});
const creating = (object: KubeObject, more: Partial<AdmissionRequest> = {}) =>
  admissionRequest(object, more);

describe('admission.resource-quota', () => {
  it('takes what an object uses off all quotas that are about it', async () => {
    const { admit, used } = await start([
      quota('a', { pods: '5', 'requests.cpu': '2', configmaps: '1' }, { pods: '1' }),
      quota('b', { 'count/pods': '3', 'requests.nvidia.com/gpu': '4' }),
    ]);
    await admit(creating(podAsking({ cpu: '500m', 'nvidia.com/gpu': '2' })));
    assert.deepEqual(used('a'), { pods: '2', 'requests.cpu': '500m', configmaps: '0' });
    assert.deepEqual(used('b'), { 'count/pods': '1', 'requests.nvidia.com/gpu': '2' });
  });

  const refused: [string, ResourceQuota[], KubeObject, string][] = [
    [
      'one pod too many',
      [quota('q', { pods: '5' }, { pods: '5' })],
      pod('p'),
      'exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5',
    ],
    [
      'too much of several things, of which it names only those, sorted',
      [
        quota(
          'q',
          { pods: '5', 'requests.memory': '2Gi', 'requests.cpu': '1' },
          { 'requests.memory': '1536Mi', 'requests.cpu': '600m' },
        ),
      ],
      podAsking({ cpu: '500m', memory: '1Gi' }),
      'exceeded quota: q, requested: requests.cpu=500m,requests.memory=1Gi, ' +
        'used: requests.cpu=600m,requests.memory=1536Mi, ' +
        'limited: requests.cpu=1,requests.memory=2Gi',
    ],
    [
      'what does not say what a quota is on',
      [quota('q', { 'limits.cpu': '1', 'requests.memory': '1Gi', pods: '0' })],
      podAsking({}),
      'failed quota: q: must specify limits.cpu for: main; requests.memory for: main',
    ],
    [
      'what a quota is on that was not counted yet',
      [
        {
          ...quota('q', { pods: '1' }),
          status: { hard: { pods: '1', configmaps: '1' }, used: {} },
        },
      ],
      pod('p'),
      'status unknown for quota: q, resources: pods',
    ],
    [
      'by the first quota that is exceeded',
      [quota('b', { pods: '0' }), quota('a', { 'count/pods': '0' })],
      pod('p'),
      'exceeded quota: a, requested: count/pods=1, used: count/pods=0, limited: count/pods=0',
    ],
  ];
  for (const [what, quotas, object, why] of refused) {
    it(`refuses ${what}`, async () => {
      const { refusal, writes } = await start(quotas);
      assert.equal(await refusal(creating(object)), `pods "p" is forbidden: ${why}`);
      assert.equal(writes(), 0);
    });
  }

  it('lets through what is full already and not asked for', async () => {
    const { admit } = await start([
      quota('q', { pods: '5', configmaps: '1' }, { configmaps: '9' }),
    ]);
    await admit(creating(pod('p')));
  });

  it('answers at once where no quota is about such an object', async () => {
    const { admission } = await start([quota('q', { pods: '5' })]);
    const elsewhere = pod('p', { metadata: { namespace: 'other' } });
    const deployments = { group: 'apps', resource: 'deployments', kind: 'Deployment' };
    for (const request of [
      creating(elsewhere),
      creating(pod('p'), deployments),
      creating(pod('p'), { resource: 'events', kind: 'Event' }),
      creating({ metadata: { name: 'n' } }, { resource: 'nodes', kind: 'Node' }),
    ]) {
      assert.equal(admission.validate?.(request), undefined);
    }
  });

  it('goes by a quota only for objects in its scopes', async () => {
    const { admit, refusal } = await start([
      quota(
        'high',
        { pods: '0' },
        {},
        {
          scopeSelector: {
            matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }],
          },
        },
      ),
      quota('short', { pods: '0' }, {}, { scopes: ['Terminating'] }),
    ]);
    await admit(creating(pod('p')));
    assert.match(
      await refusal(creating(podAsking({}, { priorityClassName: 'high' }))),
      /quota: high/,
    );
    assert.match(
      await refusal(creating(podAsking({}, { activeDeadlineSeconds: 1 }))),
      /quota: short/,
    );
  });

  it('counts objects of any kind by their group', async () => {
    const { refusal } = await start([quota('q', { 'count/widgets.example.com': '0' })]);
    const widgets = { group: 'example.com', resource: 'widgets', kind: 'Widget' };
    const object = { metadata: { namespace: 'default', name: 'w' } };
    assert.match(
      await refusal(creating(object, widgets)),
      /requested: count\/widgets.example.com=1/,
    );
  });

  it('takes nothing for a dry run, but refuses it all the same', async () => {
    const { admit, refusal, writes } = await start([quota('q', { 'requests.cpu': '1' })]);
    await admit(creating(podAsking({ cpu: '1' }), { dryRun: true }));
    assert.match(await refusal(creating(podAsking({ cpu: '2' }), { dryRun: true })), /exceeded/);
    assert.equal(writes(), 0);
  });
});

describe('admission.resource-quota, of updates', () => {
  const updating = <T extends KubeObject>(
    kind: { group: string; resource: string; kind: string },
    old: T,
    object: T,
  ) => admissionRequest(object, { ...about(kind), oldObject: old });
  const stored = { metadata: { namespace: 'default', name: 's', resourceVersion: '1' } };
  const ofType = (type: string): Service => ({ ...service('s', { type }), ...stored });

  it('takes what a service begins to use, and gives nothing back', async () => {
    const { admit, refusal, used } = await start([
      quota('q', { services: '1', 'services.nodeports': '1' }, { services: '1' }),
    ]);
    await admit(updating(Service, ofType('ClusterIP'), ofType('NodePort')));
    const after = { services: '1', 'services.nodeports': '1' };
    assert.deepEqual(used('q'), after);
    await admit(updating(Service, ofType('NodePort'), ofType('ClusterIP')));
    assert.deepEqual(used('q'), after);
    const text = await refusal(updating(Service, ofType('ClusterIP'), ofType('LoadBalancer')));
    assert.match(text, /requested: services.nodeports=1, used: services.nodeports=1/);
  });

  it('takes what a claim grows by', async () => {
    const { admit, refusal, used } = await start([
      quota('q', { 'requests.storage': '3Gi' }, { 'requests.storage': '1Gi' }),
    ]);
    const claim = (storage: string): PersistentVolumeClaim => ({
      ...stored,
      spec: { resources: { requests: { storage } } },
    });
    await admit(updating(PersistentVolumeClaim, claim('1Gi'), claim('2Gi')));
    assert.deepEqual(used('q'), { 'requests.storage': '2Gi' });
    const text = await refusal(updating(PersistentVolumeClaim, claim('2Gi'), claim('4Gi')));
    assert.match(text, /requested: requests.storage=2Gi, used: requests.storage=2Gi/);
  });
});

describe('admission.resource-quota, of what comes to nothing', () => {
  it('gives it back, once', async () => {
    const { admission, admit, used, settled } = await start([quota('q', { pods: '5' })]);
    const request = creating(pod('p'));
    await admit(request);
    assert.deepEqual(used('q'), { pods: '1' });
    admission.abandon?.(request);
    admission.abandon?.(request);
    await settled();
    assert.deepEqual(used('q'), { pods: '0' });
  });

  it('leaves it to who counts when it took long', async () => {
    const { admission, admit, clock, used } = await start([quota('q', { pods: '5' })]);
    const request = creating(pod('p'));
    await admit(request);
    await clock.step(101);
    admission.abandon?.(request);
    await clock.step(0);
    assert.deepEqual(used('q'), { pods: '1' });
  });

  it('gives nothing back of what was refused, or was no more than tried', async () => {
    const { admission, admit, refusal, used, settled } = await start([
      quota('q', { pods: '1' }, { pods: '1' }),
      quota('r', { configmaps: '2' }, { configmaps: '1' }),
    ]);
    const request = creating(pod('p'));
    await refusal(request);
    admission.abandon?.(request);
    const dry = creating(pod('c'), { resource: 'configmaps', kind: 'ConfigMap', dryRun: true });
    await admit(dry);
    admission.abandon?.(dry);
    await settled();
    assert.deepEqual([used('q'), used('r')], [{ pods: '1' }, { configmaps: '1' }]);
  });
});

describe('admission.resource-quota, of many requests', () => {
  it('writes a burst in few writes, and lets through as many as fit', async () => {
    const { admit, used, writes } = await start([quota('q', { pods: '60' })]);
    const all = Array.from({ length: 100 }, () => admit(creating(pod('p'))));
    const results = await Promise.allSettled(all);
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 60);
    assert.deepEqual(used('q'), { pods: '60' });
    assert.ok(writes() <= 3, `${writes()} writes`);
  });

  it('checks again what another was quicker with', async () => {
    const { admit, refusal, kernel, used } = await start([quota('q', { pods: '3' })]);
    const other = () =>
      kernel.modify(ResourceQuota, 'default/q', ({ status }) => {
        const { pods = '0' } = status?.used ?? {};
        Object.assign(status?.used ?? {}, { pods: String(Number(pods) + 1) });
      });
    kernel.silently(other);
    await admit(creating(pod('p')));
    assert.deepEqual(used('q'), { pods: '2' });
    kernel.silently(other);
    const text = await refusal(creating(pod('p')));
    assert.match(text, /used: pods=3, limited: pods=3/);
    assert.deepEqual(used('q'), { pods: '3' });
  });

  it('gives back what it took of one quota when another turns out to be full', async () => {
    const { refusal, kernel, used } = await start([
      quota('a', { pods: '3' }),
      quota('b', { 'count/pods': '1' }),
    ]);
    kernel.silently(() =>
      kernel.modify(ResourceQuota, 'default/b', ({ status }) => {
        Object.assign(status?.used ?? {}, { 'count/pods': '1' });
      }),
    );
    assert.match(await refusal(creating(pod('p'))), /exceeded quota: b/);
    assert.deepEqual([used('a'), used('b')], [{ pods: '0' }, { 'count/pods': '1' }]);
  });

  it('lets through what a quota is about that has gone meanwhile', async () => {
    const { admit, kernel } = await start([quota('q', { pods: '3' })]);
    kernel.holdWatches();
    await kernel.objects.delete(ResourceQuota, { namespace: 'default', name: 'q' });
    await admit(creating(pod('p')));
  });

  it('refuses with Conflict when it loses again and again, and with what went wrong', async () => {
    const { admit, kernel, used } = await start([quota('q', { pods: '3' })]);
    for (const [error, reason] of [
      [conflict(ResourceQuota, 'q'), 'Conflict'],
      [internalError('broken'), 'InternalError'],
    ] as const) {
      kernel.fault = ({ verb }) => (verb === 'update' ? error : undefined);
      await assert.rejects(admit(creating(pod('p'))), (thrown: unknown) =>
        ApiError.is(thrown, reason),
      );
    }
    kernel.fault = () => undefined;
    await admit(creating(pod('p')));
    assert.deepEqual(used('q'), { pods: '1' });
  });
});

describe('admission.resource-quota, of what is limited', () => {
  const critical = {
    resource: 'pods',
    matchScopes: [{ scopeName: 'PriorityClass', operator: 'In', values: ['critical', 'more'] }],
  };
  const scoped: Spec = {
    scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Exists' }] },
  };
  const ofClass = podAsking({}, { priorityClassName: 'critical' });

  it('refuses objects in a scope that no quota is on', async () => {
    const { admit, refusal } = await start([quota('q', { pods: '9' })], [critical]);
    await admit(creating(pod('p')));
    assert.equal(
      await refusal(creating(ofClass)),
      'pods "p" is forbidden: insufficient quota to match these scopes: ' +
        '[{PriorityClass In [critical more]}]',
    );
  });

  it('takes them where one is', async () => {
    const { admit } = await start([quota('q', { pods: '9' }, {}, scoped)], [critical]);
    await admit(creating(ofClass));
  });

  it('refuses uses that no quota is on, also without any quota', async () => {
    const gpus = { resource: 'pods', matchContains: ['gpu'] };
    const { admit, refusal } = await start([], [gpus]);
    await admit(creating(podAsking({ cpu: '1' })));
    assert.equal(
      await refusal(creating(podAsking({ 'x.io/gpu': '1', 'y.io/gpu': '1' }))),
      'pods "p" is forbidden: insufficient quota to consume: requests.x.io/gpu,requests.y.io/gpu',
    );
  });

  it('does not mind an update that adds nothing', async () => {
    const { admit } = await start([], [{ resource: 'services', matchContains: ['nodeports'] }]);
    const old = service('s', { type: 'NodePort' });
    await admit(
      admissionRequest(service('s', { type: 'NodePort' }), { ...about(Service), oldObject: old }),
    );
  });
});
