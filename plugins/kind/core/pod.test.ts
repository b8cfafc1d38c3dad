import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ApiError,
  type Binding,
  type KubeObject,
  type Pod,
  type ResourceRequirements,
} from 'kernetes/sdk';
import { pods } from './pod.ts';
import { bind } from './pod-binding.ts';
import { defaultPod } from './pod-defaults.ts';
import { qosClassOf } from './pod-qos.ts';
import { validatePodStatusUpdate, validatePodUpdate } from './pod-update.ts';

function podOf(spec: object = {}, more: object = {}): Pod {
  const pod = {
    metadata: { name: 'p', namespace: 'default', uid: 'u' },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
    ...more,
  } as Pod;
  defaultPod(pod);
  return pod;
}

describe('defaultPod()', () => {
  test('asks for what is limited and not asked for', () => {
    const resources = { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1' } };
    const pod = podOf({ containers: [{ name: 'c', image: 'i', resources }] });
    assert.deepEqual(pod.spec?.containers[0]?.resources?.requests, { cpu: '1', memory: '1Gi' });
  });

  test('gives a container in the network of the node its ports there', () => {
    const ports = [{ containerPort: 80 }, { containerPort: 81, hostPort: 81 }];
    const pod = podOf({ hostNetwork: true, containers: [{ name: 'c', image: 'i', ports }] });
    assert.deepEqual(
      pod.spec?.containers[0]?.ports?.map(({ hostPort }) => hostPort),
      [80, 81],
    );
  });

  test("asks, for a pod as a whole, for its containers' sum or else its limit", () => {
    const asking = (cpu: string) => ({ name: cpu, image: 'i', resources: { requests: { cpu } } });
    const pod = podOf({
      resources: { limits: { cpu: '3', memory: '1Gi' } },
      containers: [asking('500m'), asking('1')],
    });
    assert.deepEqual(pod.spec?.resources?.requests, { cpu: '1500m', memory: '1Gi' });
  });
});

describe('qosClassOf()', () => {
  const full = { cpu: '1', memory: '1Gi' };
  const cases: readonly (readonly [string, ResourceRequirements[], string])[] = [
    ['nothing is asked for', [{}, {}], 'BestEffort'],
    ['nothing of what counts is', [{ requests: { 'ephemeral-storage': '1' } }], 'BestEffort'],
    ['none of it is', [{ requests: { cpu: '0' } }], 'BestEffort'],
    [
      'all get what they ask for',
      [{ requests: full, limits: { cpu: '1000m', memory: '1Gi' } }],
      'Guaranteed',
    ],
    ['one does not', [{ requests: full, limits: full }, {}], 'Burstable'],
    ['one resource is not limited', [{ requests: full, limits: { cpu: '1' } }], 'Burstable'],
    ['more is allowed', [{ requests: full, limits: { cpu: '2', memory: '1Gi' } }], 'Burstable'],
  ];
  for (const [name, resources, wanted] of cases) {
    test(`is ${wanted} when ${name}`, () => {
      const containers = resources.map((each, i) => ({
        name: `c${i}`,
        image: 'i',
        resources: each,
      }));
      assert.equal(qosClassOf({ metadata: {}, spec: { containers } }), wanted);
    });
  }
});

describe('gracePeriodSeconds()', () => {
  const { gracePeriodSeconds } = pods.strategy;
  const cases: readonly (readonly [string, Pod, number | undefined, number])[] = [
    ['as the pod says', podOf({ nodeName: 'n', terminationGracePeriodSeconds: 7 }), undefined, 7],
    ['as asked', podOf({ nodeName: 'n' }), 3, 3],
    ['none, as asked', podOf({ nodeName: 'n' }), 0, 0],
    ['none without a node', podOf(), 30, 0],
    ['none after the end', podOf({ nodeName: 'n' }, { status: { phase: 'Failed' } }), 30, 0],
    [
      'the least of a negative one',
      podOf({ nodeName: 'n', terminationGracePeriodSeconds: -5 }),
      undefined,
      1,
    ],
  ];
  for (const [name, pod, asked, wanted] of cases) {
    test(name, () => assert.equal(gracePeriodSeconds?.(pod as KubeObject, asked), wanted));
  }
});

describe('validatePodUpdate()', () => {
  const toleration = { key: 'a', operator: 'Exists', effect: 'NoExecute' };
  const cases: readonly { name: string; old?: object; now: object; wrong?: string[] }[] = [
    {
      name: 'another image',
      now: { containers: [{ name: 'c', image: 'j', imagePullPolicy: 'Always' }] },
    },
    {
      name: 'another container',
      now: { containers: [{ name: 'd', image: 'i' }] },
      wrong: ['spec'],
    },
    {
      name: 'one container more',
      now: {
        containers: [
          { name: 'c', image: 'i' },
          { name: 'd', image: 'i' },
        ],
      },
      wrong: ['spec.containers'],
    },
    { name: 'a toleration more', old: { tolerations: [] }, now: { tolerations: [toleration] } },
    {
      name: 'a toleration less',
      old: { tolerations: [toleration] },
      now: {},
      wrong: ['spec.tolerations'],
    },
    {
      name: 'a toleration for longer',
      old: { tolerations: [{ ...toleration, tolerationSeconds: 1 }] },
      now: { tolerations: [{ ...toleration, tolerationSeconds: 9 }] },
    },
    { name: 'a deadline', now: { activeDeadlineSeconds: 5 } },
    { name: 'a nearer one', old: { activeDeadlineSeconds: 9 }, now: { activeDeadlineSeconds: 5 } },
    {
      name: 'a later one',
      old: { activeDeadlineSeconds: 5 },
      now: { activeDeadlineSeconds: 9 },
      wrong: ['spec.activeDeadlineSeconds'],
    },
    {
      name: 'none after one',
      old: { activeDeadlineSeconds: 5 },
      now: {},
      wrong: ['spec.activeDeadlineSeconds'],
    },
    { name: 'a node', now: { nodeName: 'n' }, wrong: ['spec'] },
    {
      name: 'a gate less',
      old: { schedulingGates: [{ name: 'g' }] },
      now: { schedulingGates: [] },
    },
    {
      name: 'a gate more',
      now: { schedulingGates: [{ name: 'g' }] },
      wrong: ['spec.schedulingGates[0]'],
    },
    { name: 'a node selector', now: { nodeSelector: { a: 'b' } }, wrong: ['spec'] },
    {
      name: 'a node selector of a gated pod',
      old: { schedulingGates: [{ name: 'g' }] },
      now: { schedulingGates: [{ name: 'g' }], nodeSelector: { a: 'b' } },
    },
  ];
  for (const { name, old = {}, now, wrong = [] } of cases) {
    test(`${wrong.length === 0 ? 'allows' : 'refuses'} ${name}`, () => {
      const found = validatePodUpdate(podOf(now), podOf(old)).map(({ field }) => field);
      assert.deepEqual(found, wrong);
    });
  }
});

describe('validatePodStatusUpdate()', () => {
  const status = (state: object) => ({
    status: {
      containerStatuses: [
        { name: 'c', ready: false, restartCount: 0, image: '', imageID: '', state },
      ],
    },
  });
  const failed = status({ terminated: { exitCode: 1 } });
  const done = status({ terminated: { exitCode: 0 } });
  const running = status({ running: {} });
  const cases: readonly (readonly [string, string, object, boolean])[] = [
    ['a failed container of a pod that never restarts', 'Never', failed, false],
    ['a failed container of one that restarts on failure', 'OnFailure', failed, true],
    ['a container of such a pod that ended well', 'OnFailure', done, false],
    ['any container of one that always restarts', 'Always', done, true],
  ];
  for (const [name, restartPolicy, before, isAllowed] of cases) {
    test(`${isAllowed ? 'lets' : 'does not let'} ${name} run again`, () => {
      const found = validatePodStatusUpdate(
        podOf({ restartPolicy }, running),
        podOf({ restartPolicy }, before),
      );
      const wanted = isAllowed ? [] : ['status.containerStatuses[0].state'];
      assert.deepEqual(
        found.map(({ field }) => field),
        wanted,
      );
    });
  }

  test('refuses what is no address', () => {
    const pod = podOf({}, { status: { podIPs: [{ ip: '10.0.0.1' }, { ip: 'x' }] } });
    assert.deepEqual(
      validatePodStatusUpdate(pod, podOf()).map(({ field }) => field),
      ['status.podIPs[1]'],
    );
  });
});

describe('bind()', () => {
  const to = (name: string, metadata = {}): Binding => ({
    metadata,
    target: { kind: 'Node', name },
  });

  test('says the node, the condition and the annotations', () => {
    const pod = podOf({}, { status: { phase: 'Pending', nominatedNodeName: 'm' } });
    bind(pod, to('n', { annotations: { a: 'b' } }), 0);
    assert.equal(pod.spec?.nodeName, 'n');
    assert.deepEqual(pod.metadata.annotations, { a: 'b' });
    assert.deepEqual(pod.status, {
      phase: 'Pending',
      conditions: [
        { type: 'PodScheduled', status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z' },
      ],
    });
  });

  const deleted = podOf();
  deleted.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  const refusals: readonly (readonly [string, Pod, Binding, number, RegExp])[] = [
    [
      'a bound pod',
      podOf({ nodeName: 'm' }),
      to('n'),
      409,
      /pods\/binding "p": pod p is already assigned to node "m"$/,
    ],
    ['a deleted pod', deleted, to('n'), 409, /is being deleted, cannot be assigned to a host$/],
    [
      'a gated pod',
      podOf({ schedulingGates: [{ name: 'g' }] }),
      to('n'),
      409,
      /non-empty .spec.schedulingGates$/,
    ],
    [
      'another pod of the name',
      podOf(),
      to('n', { uid: 'v' }),
      409,
      /UID in precondition: v, UID in object meta: u$/,
    ],
    ['no node', podOf(), to(''), 422, /target.name: Required value$/],
    [
      'something else than a node',
      podOf(),
      { metadata: {}, target: { kind: 'Pod', name: 'n' } },
      422,
      /target.kind: Unsupported value: "Pod"/,
    ],
  ];
  for (const [name, pod, binding, code, message] of refusals) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => bind(pod, binding, 0),
        error => error instanceof ApiError && error.code === code && message.test(error.message),
      );
    });
  }
});

describe('ephemeralcontainers', () => {
  const sub = pods.subresources?.find(({ name }) => name === 'ephemeralcontainers');
  const context = {} as never;
  const first = { name: 'd', image: 'busybox' };
  const apply = (pod: Pod, ephemeralContainers: object[]) =>
    sub?.apply?.(
      pod,
      { ...pod, spec: { ...pod.spec, ephemeralContainers } } as KubeObject,
      context,
    );

  test('adds one, and lets it stay as it is beside a second', () => {
    const pod = podOf();
    apply(pod, [first]);
    assert.equal(pod.spec?.ephemeralContainers?.[0]?.imagePullPolicy, 'Always');
    apply(pod, [first, { name: 'e', image: 'busybox' }]);
    assert.equal(pod.spec?.ephemeralContainers?.length, 2);
  });

  test('refuses to remove or change one, and to add a bad one', () => {
    const pod = podOf();
    apply(pod, [first]);
    const refused = (error: unknown) => ApiError.is(error, 'Invalid');
    assert.throws(() => apply(pod, []), refused);
    assert.throws(() => apply(pod, [{ ...first, image: 'other' }]), refused);
    assert.throws(() => apply(pod, [first, { name: 'c', image: 'i' }]), refused);
  });
});
