import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type KubeObject, PersistentVolumeClaim, Pod, type PodSpec, Service } from '../sdk.ts';
import { pod } from '../testing/testing.ts';
import { type QuotaEvaluator, quotaCountName, quotaEvaluator } from './evaluator.ts';
import { formatUsage } from './usage.ts';

function evaluatorOf(subject: { group: string; resource: string }): QuotaEvaluator {
  const evaluator = quotaEvaluator(subject);
  assert.ok(evaluator);
  return evaluator;
}

const NOW = Date.parse('2026-01-01T00:00:00Z');
const usageOf = (kind: { group: string; resource: string }, object: KubeObject) =>
  formatUsage(evaluatorOf(kind).usage(object, NOW));

const asking = (requests: Record<string, string>, limits: Record<string, string> = {}) => ({
  name: 'c',
  image: 'i',
  resources: { requests, limits },
});
const cpu = (amount: string) => asking({ cpu: amount });

describe('usage() of a pod', () => {
  const one = { 'count/pods': '1', pods: '1' };
  const cases: [string, Partial<PodSpec>, Record<string, string>][] = [
    ['that asks for nothing', {}, one],
    [
      'adds up its containers, by both names of what they ask for',
      {
        containers: [
          asking({ cpu: '250m', memory: '1Gi' }, { cpu: '1' }),
          asking({ cpu: '750m', memory: '1Gi' }, { cpu: '500m', memory: '3Gi' }),
        ],
      },
      {
        ...one,
        cpu: '1',
        'requests.cpu': '1',
        'limits.cpu': '1500m',
        memory: '2Gi',
        'requests.memory': '2Gi',
        'limits.memory': '3Gi',
      },
    ],
    [
      'counts storage, huge pages and what nodes advertise',
      {
        containers: [
          asking(
            { 'ephemeral-storage': '1Gi', 'hugepages-2Mi': '4Mi', 'example.com/gpu': '2' },
            { 'ephemeral-storage': '2Gi', 'hugepages-2Mi': '4Mi', 'example.com/gpu': '2' },
          ),
        ],
      },
      {
        ...one,
        'ephemeral-storage': '1Gi',
        'requests.ephemeral-storage': '1Gi',
        'limits.ephemeral-storage': '2Gi',
        'hugepages-2Mi': '4Mi',
        'requests.hugepages-2Mi': '4Mi',
        'requests.example.com/gpu': '2',
      },
    ],
    [
      'takes the init container that needs most, where it needs more',
      { initContainers: [cpu('3'), cpu('5')], containers: [cpu('2'), cpu('2')] },
      { ...one, cpu: '5', 'requests.cpu': '5' },
    ],
    [
      'counts sidecars beside the containers and later init containers',
      {
        initContainers: [{ ...cpu('1'), restartPolicy: 'Always' }, cpu('3')],
        containers: [cpu('2')],
      },
      { ...one, cpu: '4', 'requests.cpu': '4' },
    ],
    [
      'adds overhead to requests, and to limits that there are',
      { overhead: { cpu: '1', memory: '1Mi' }, containers: [asking({}, { cpu: '2' })] },
      {
        ...one,
        cpu: '1',
        'requests.cpu': '1',
        memory: '1Mi',
        'requests.memory': '1Mi',
        'limits.cpu': '3',
      },
    ],
    [
      'goes by what the pod says of itself',
      { resources: { requests: { cpu: '7' } }, containers: [cpu('2')] },
      { ...one, cpu: '7', 'requests.cpu': '7' },
    ],
  ];
  for (const [what, spec, wanted] of cases) {
    it(what, () =>
      assert.deepEqual(usageOf(Pod, pod('p', { spec: { containers: [], ...spec } })), wanted),
    );
  }

  for (const phase of ['Succeeded', 'Failed']) {
    it(`that has ${phase} is only stored`, () => {
      const finished = pod('p', { spec: { containers: [cpu('1')] }, status: { phase } });
      assert.deepEqual(usageOf(Pod, finished), { 'count/pods': '1' });
    });
  }

  it('that is being deleted counts until its grace period is over', () => {
    const going = (deletionTimestamp: string) =>
      pod('p', { metadata: { deletionTimestamp, deletionGracePeriodSeconds: 30 } });
    assert.deepEqual(usageOf(Pod, going('2025-12-31T23:59:30Z')), one);
    assert.deepEqual(usageOf(Pod, going('2025-12-31T23:59:29Z')), { 'count/pods': '1' });
  });
});

describe('usage() of a service', () => {
  const ports = [{ port: 1, nodePort: 30_001 }, { port: 2 }];
  const cases: [string, Service['spec'], number, number][] = [
    ['of type ClusterIP', { type: 'ClusterIP', ports }, 0, 0],
    ['of type NodePort', { type: 'NodePort', ports }, 2, 0],
    ['of type LoadBalancer', { type: 'LoadBalancer', ports }, 2, 1],
    [
      'of type LoadBalancer that asks for one port',
      { type: 'LoadBalancer', ports, allocateLoadBalancerNodePorts: false },
      1,
      1,
    ],
  ];
  for (const [what, spec, nodePorts, balancers] of cases) {
    it(what, () =>
      assert.deepEqual(usageOf(Service, { metadata: {}, spec } as KubeObject), {
        'count/services': '1',
        services: '1',
        'services.nodeports': String(nodePorts),
        'services.loadbalancers': String(balancers),
      }),
    );
  }
});

describe('usage() of a claim', () => {
  const count = { 'count/persistentvolumeclaims': '1', persistentvolumeclaims: '1' };
  const storage = (amount: string) => ({ resources: { requests: { storage: amount } } });
  const cases: [string, Omit<PersistentVolumeClaim, 'metadata'>, Record<string, string>][] = [
    ['without a class', { spec: storage('1Gi') }, { ...count, 'requests.storage': '1Gi' }],
    [
      'of a class counts for the class too',
      { spec: { ...storage('1Gi'), storageClassName: 'gold' } },
      {
        ...count,
        'requests.storage': '1Gi',
        'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
        'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
      },
    ],
    ['is in whole bytes', { spec: storage('1500m') }, { ...count, 'requests.storage': '2' }],
    [
      'has what an expansion got already',
      { spec: storage('1Gi'), status: { allocatedResources: { storage: '2Gi' } } },
      { ...count, 'requests.storage': '2Gi' },
    ],
  ];
  for (const [what, claim, wanted] of cases) {
    it(what, () =>
      assert.deepEqual(
        usageOf(PersistentVolumeClaim, { metadata: {}, ...claim } as KubeObject),
        wanted,
      ),
    );
  }
});

describe('quotaEvaluator()', () => {
  it('counts any kind by its group, and some by their older names', () => {
    const object = { metadata: {} };
    assert.deepEqual(usageOf({ group: 'apps', resource: 'deployments' }, object), {
      'count/deployments.apps': '1',
    });
    assert.deepEqual(usageOf({ group: '', resource: 'secrets' }, object), {
      'count/secrets': '1',
      secrets: '1',
    });
    assert.equal(quotaCountName({ group: 'x.io', resource: 'as' }), 'count/as.x.io');
  });

  it('has nothing to say of events and of what is not stored', () => {
    for (const [group, resource] of [
      ['', 'events'],
      ['events.k8s.io', 'events'],
      ['authorization.k8s.io', 'subjectaccessreviews'],
    ] as const) {
      assert.equal(quotaEvaluator({ group, resource }), undefined);
    }
  });

  const counted: [{ group: string; resource: string }, readonly string[], readonly string[]][] = [
    [
      Pod,
      ['pods', 'count/pods', 'limits.cpu', 'memory', 'hugepages-1Gi', 'requests.hugepages-1Gi'],
      ['services', 'configmaps', 'requests.storage', 'example.com/gpu', 'count/deployments.apps'],
    ],
    [Pod, ['requests.example.com/gpu'], ['gold.storageclass.storage.k8s.io/requests.storage']],
    [Service, ['services', 'services.nodeports', 'count/services'], ['pods']],
    [
      PersistentVolumeClaim,
      ['requests.storage', 'gold.storageclass.storage.k8s.io/requests.storage'],
      ['gold.storageclass.storage.k8s.io/pods', 'storage'],
    ],
    [{ group: '', resource: 'configmaps' }, ['configmaps', 'count/configmaps'], ['secrets']],
  ];
  for (const [kind, names, others] of counted) {
    it(`knows which names are about ${kind.resource}: ${names.join(', ')}`, () => {
      const { counts } = evaluatorOf(kind);
      assert.deepEqual([...names, ...others].filter(counts), names);
    });
  }
});

describe('missing()', () => {
  const missing = (spec: Partial<PodSpec>, ...names: string[]) =>
    evaluatorOf(Pod).missing?.(pod('p', { spec: { containers: [], ...spec } }), names);
  const named = (name: string, requests: Record<string, string>) => ({
    ...asking(requests),
    name,
  });

  it('names what containers do not say, sorted, and who they are', () => {
    const spec = {
      containers: [named('b', { cpu: '1' }), named('a', {})],
      initContainers: [named('i', { memory: '1' })],
    };
    assert.equal(
      missing(spec, 'requests.memory', 'limits.cpu', 'cpu'),
      'must specify cpu for: a,i; limits.cpu for: a,b,i; requests.memory for: a,b',
    );
  });

  it('asks for nothing but processor and memory', () => {
    assert.equal(missing({}, 'pods', 'requests.ephemeral-storage', 'requests.x.io/gpu'), '');
  });

  it('is content with what the pod says for all', () => {
    assert.equal(missing({ resources: { requests: { cpu: '1' } } }, 'cpu', 'requests.cpu'), '');
  });
});
