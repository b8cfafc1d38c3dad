import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  KubeObject,
  StatefulSet,
} from 'kernetes/sdk';
import { createdAs, rowOf, updatedAs } from 'kernetes/sdk/testing';
import { recorded } from '../../../test/testdata/recorded.ts';
import { controllerRevisions } from './controller-revision.ts';
import { daemonSets } from './daemon-set.ts';
import { deployments } from './deployment.ts';
import { replicaSets } from './replica-set.ts';
import { statefulSets } from './stateful-set.ts';

const TEMPLATE = {
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image: 'nginx:1.14.2' }] },
};
const SELECTOR = { matchLabels: { app: 'x' } };
const KINDS = [controllerRevisions, daemonSets, deployments, replicaSets, statefulSets];

/** What a newer server than the recorded one adds. */
const ADDED: Record<string, (object: { spec: Record<string, unknown>; status: object }) => void> = {
  // maxSurge came with 1.22.
  daemonset: ({ spec }) => {
    spec.updateStrategy = {
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
    };
  },
  // availableReplicas came with 1.22, the retention policy with 1.27.
  statefulset: ({ spec, status }) => {
    spec.persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Retain', whenScaled: 'Retain' };
    Object.assign(status, { availableReplicas: 0 });
  },
};

for (const [name, kind] of Object.entries({
  daemonset: daemonSets,
  deployment: deployments,
  replicaset: replicaSets,
  statefulset: statefulSets,
})) {
  test(`${kind.kind} gets the defaults that a real server gives`, () => {
    const { request, response } = recorded(`defaults/${name}.json`);
    const { object, errors } = createdAs(kind, 'v1', request.body);
    ADDED[name]?.(response.body);
    assert.deepEqual(errors, []);
    const { uid: _, ...metadata } = object.metadata;
    const { namespace: __, ...wanted } = response.body.metadata;
    assert.deepEqual({ ...object, metadata }, { ...response.body, metadata: wanted });
  });
}

for (const name of ['bad-surge', 'negative-replicas', 'no-selector', 'selector-mismatch']) {
  test(`Deployment is refused as a real server does: ${name}`, () => {
    const { request, response } = recorded(`errors/${name}.json`);
    const { errors } = createdAs(deployments, 'v1', request.body);
    assert.deepEqual(
      errors.map(({ reason, field }) => ({ reason, field })),
      response.body.details.causes.map(({ reason, field }: Cause) => ({ reason, field })),
    );
  });
}

const refusals: { name: string; kind: (typeof KINDS)[number]; spec: object; wanted: string[] }[] = [
  {
    name: 'Recreate with rollingUpdate',
    kind: deployments,
    spec: { strategy: { type: 'Recreate', rollingUpdate: {} } },
    wanted: [
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
  },
  {
    name: 'an unknown strategy',
    kind: deployments,
    spec: { strategy: { type: 'Blue' } },
    wanted: [
      'spec.strategy.type: Unsupported value: "Blue": supported values: "Recreate", "RollingUpdate"',
    ],
  },
  {
    name: 'too large a percentage',
    kind: deployments,
    spec: { strategy: { rollingUpdate: { maxUnavailable: '101%' } } },
    wanted: [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
  },
  {
    name: 'a deadline below minReadySeconds',
    kind: deployments,
    spec: { minReadySeconds: 9, progressDeadlineSeconds: 9 },
    wanted: [
      'spec.progressDeadlineSeconds: Invalid value: 9: must be greater than minReadySeconds',
    ],
  },
  {
    name: 'pods that end',
    kind: replicaSets,
    spec: { template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } },
    wanted: [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  },
  {
    name: 'an empty selector',
    kind: statefulSets,
    spec: { selector: {} },
    wanted: ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset'],
  },
  {
    name: 'rollingUpdate with OnDelete',
    kind: statefulSets,
    spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } },
    wanted: [
      'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
  },
  {
    name: 'neither surge nor unavailability',
    kind: daemonSets,
    spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
    wanted: [
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0',
    ],
  },
  {
    name: 'both surge and unavailability',
    kind: daemonSets,
    spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } },
    wanted: [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ],
  },
];
for (const { name, kind, spec, wanted } of refusals) {
  test(`${kind.kind} validation refuses ${name}`, () => {
    const { errors } = createdAs(kind, 'v1', workload(spec));
    assert.deepEqual(
      errors.map(({ field, message }) => `${field}: ${message}`),
      wanted,
    );
  });
}

for (const kind of [daemonSets, deployments, replicaSets]) {
  test(`${kind.kind} keeps its selector`, () => {
    const old = createdAs(kind, 'v1', workload({})).object;
    const other = { matchLabels: { app: 'y' } };
    const template = { ...TEMPLATE, metadata: { labels: { app: 'y' } } };
    const { errors } = updatedAs(kind, 'v1', {
      body: workload({ selector: other, template }),
      old,
    });
    assert.deepEqual(
      errors.map(({ field, message }) => `${field}: ${message}`),
      ['spec.selector: Invalid value: {"matchLabels":{"app":"y"}}: field is immutable'],
    );
  });
}

test('StatefulSet refuses another serviceName and takes other replicas', () => {
  const old = createdAs(statefulSets, 'v1', workload({ serviceName: 'a' })).object;
  const update = (spec: object) =>
    updatedAs(statefulSets, 'v1', { body: workload(spec), old }).errors;
  assert.equal(update({ serviceName: 'a', replicas: 5 }).length, 0);
  const [error] = update({ serviceName: 'b' });
  assert.equal(error?.reason, 'FieldValueForbidden');
  assert.equal(error?.field, 'spec');
});

test('Deployment raises its generation when annotations change', () => {
  const old = createdAs(deployments, 'v1', workload({})).object;
  const body = structuredClone(old);
  assert.equal(updatedAs(deployments, 'v1', { body, old }).object.metadata.generation, 1);
  body.metadata.annotations = { a: 'b' };
  assert.equal(updatedAs(deployments, 'v1', { body, old }).object.metadata.generation, 2);
});

test('DaemonSet counts template changes, whatever the client says', () => {
  const old = createdAs(daemonSets, 'v1', workload({})).object;
  const body = structuredClone(old) as DaemonSet;
  body.metadata.annotations = { 'deprecated.daemonset.template.generation': '7' };
  const generation = (object: KubeObject) =>
    object.metadata.annotations?.['deprecated.daemonset.template.generation'];
  assert.equal(generation(updatedAs(daemonSets, 'v1', { body, old }).object), '1');
  body.spec?.template.spec?.containers.push({ name: 'd', image: 'd' });
  assert.equal(generation(updatedAs(daemonSets, 'v1', { body, old }).object), '2');
});

test('status updates refuse counters that contradict each other', () => {
  const old = createdAs(deployments, 'v1', workload({})).object as Deployment;
  const object = { ...old, status: { replicas: 1, readyReplicas: 2, availableReplicas: -1 } };
  const errors = deployments.strategy.validateStatusUpdate?.(object, old) ?? [];
  assert.deepEqual(
    errors.map(({ field }) => field),
    ['status.availableReplicas', 'status.readyReplicas'],
  );
  const collided = { ...old, status: { collisionCount: 2 } };
  const decremented = { ...old, status: { collisionCount: 1 } };
  const [error] = deployments.strategy.validateStatusUpdate?.(decremented, collided) ?? [];
  assert.equal(error?.message, 'Invalid value: 1: cannot be decremented');
});

const NOW = Date.UTC(2026, 0, 1, 0, 5);
const rows: { kind: (typeof KINDS)[number]; object: object; wanted: object }[] = [
  {
    kind: deployments,
    object: {
      spec: { replicas: 3 },
      status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
    },
    wanted: {
      Ready: '2/3',
      'Up-to-date': 3,
      Available: 1,
      Age: '5m',
      Containers: 'c',
      Images: 'nginx:1.14.2',
      Selector: 'app=x',
    },
  },
  {
    kind: replicaSets,
    object: { spec: { replicas: 3 }, status: { replicas: 2, readyReplicas: 1 } },
    wanted: {
      Desired: 3,
      Current: 2,
      Ready: 1,
      Age: '5m',
      Containers: 'c',
      Images: 'nginx:1.14.2',
      Selector: 'app=x',
    },
  },
  {
    kind: statefulSets,
    object: { spec: { replicas: 2 }, status: { replicas: 2, readyReplicas: 1 } },
    wanted: { Ready: '1/2', Age: '5m', Containers: 'c', Images: 'nginx:1.14.2' },
  },
  {
    kind: daemonSets,
    object: {
      spec: {},
      status: { desiredNumberScheduled: 3, currentNumberScheduled: 2, numberReady: 1 },
    },
    wanted: {
      Desired: 3,
      Current: 2,
      Ready: 1,
      'Up-to-date': 0,
      Available: 0,
      'Node Selector': '<none>',
      Age: '5m',
      Containers: 'c',
      Images: 'nginx:1.14.2',
      Selector: 'app=x',
    },
  },
];
for (const { kind, object, wanted } of rows) {
  test(`${kind.kind} has the row that kubectl prints`, () => {
    const { spec, ...rest } = object as { spec: object };
    const full = { ...workload(spec), ...rest };
    assert.deepEqual(rowOf(kind, 'v1', { object: full, now: NOW }), { Name: 'x', ...wanted });
  });
}

test('ControllerRevision shows its controller and keeps its data', () => {
  const revision: ControllerRevision = {
    metadata: {
      name: 'web-1',
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true },
      ],
    },
    data: { a: 1 },
    revision: 4,
  };
  assert.deepEqual(rowOf(controllerRevisions, 'v1', { object: revision, now: NOW }), {
    Name: 'web-1',
    Controller: 'statefulset.apps/web',
    Revision: 4,
    Age: '<unknown>',
  });
  const changed = updatedAs(controllerRevisions, 'v1', {
    body: { ...revision, data: { a: 2 } },
    old: revision,
  });
  assert.deepEqual(
    changed.errors.map(({ field }) => field),
    ['data'],
  );
  const empty = createdAs(controllerRevisions, 'v1', { metadata: {}, revision: -1 } as KubeObject);
  assert.deepEqual(
    empty.errors.map(({ field }) => field),
    ['data', 'revision'],
  );
});

test('scale is a view of replicas and selector, and sets replicas', () => {
  const object = createdAs(deployments, 'v1', workload({ replicas: 2 })).object as Deployment;
  const scale = deployments.subresources?.find(({ name }) => name === 'scale');
  const view = scale?.get?.(object) as unknown as { spec: object; status: object };
  assert.deepEqual(view.spec, { replicas: 2 });
  assert.deepEqual(view.status, { replicas: 0, selector: 'app=x' });
  const context = {} as never;
  const asked = { ...view, metadata: {}, spec: { replicas: 5 } } as KubeObject;
  scale?.apply?.(object, asked, context);
  assert.equal(object.spec?.replicas, 5);
  const negative = { metadata: { name: 'x' }, spec: { replicas: -1 } } as KubeObject;
  assert.throws(() => scale?.apply?.(object, negative, context), { reason: 'Invalid' });
});

test('claim templates say what they are and get their defaults', () => {
  const body = workload({ volumeClaimTemplates: [{ metadata: { name: 'd' }, spec: {} }] });
  const { spec } = createdAs(statefulSets, 'v1', body).object as StatefulSet;
  const [claim] = spec?.volumeClaimTemplates ?? [];
  assert.equal(claim?.kind, 'PersistentVolumeClaim');
  assert.equal(claim?.spec?.volumeMode, 'Filesystem');
  assert.equal(claim?.status?.phase, 'Pending');
});

function workload(spec: object): KubeObject {
  const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };
  return {
    metadata,
    spec: { selector: SELECTOR, template: structuredClone(TEMPLATE), ...spec },
  } as KubeObject;
}

interface Cause {
  reason: string;
  field: string;
}
