import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Pod,
  ReplicationController,
  type SchedulerPlugin,
  Service,
  StatefulSet,
  schedulerPoint,
} from 'kernetes/sdk';
import {
  activate,
  node,
  PluginCluster,
  pod,
  service,
  TestKernel,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

testSchedulerPlugin(plugin);

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';

function web(name: string, rest: Partial<Pod['metadata']> = {}): Pod {
  return pod(name, { metadata: { labels: { app: 'web' }, ...rest } });
}

function madeBy(kind: string, apiVersion: string): Pod {
  const owner = { kind, apiVersion, name: 'maker', uid: 'u', controller: true };
  return web('p', { ownerReferences: [owner] });
}

interface Row {
  readonly name: string;
  readonly nodes?: Record<string, Record<string, string>>;
  /** By node: how many pods of the Service. */
  readonly there?: Record<string, number>;
  readonly others?: readonly (readonly [Pod, string])[];
  readonly objects?: (kernel: TestKernel) => void;
  readonly pod?: Pod;
  readonly scores: Record<string, number>;
}

const FLAT = { a: {}, b: {}, c: {} };
const ZONES = { a1: { [ZONE]: 'a' }, a2: { [ZONE]: 'a' }, b1: { [ZONE]: 'b' }, none: {} };
const addService = (kernel: TestKernel) => void kernel.add(Service, service('web'));

const TABLE: readonly Row[] = [
  { name: 'says nothing about a pod that nothing selects', objects: () => {}, scores: {} },
  { name: 'is the same everywhere while there are none', scores: { a: 100, b: 100, c: 100 } },
  {
    name: 'prefers nodes with fewer of the pods',
    there: { a: 2, b: 1 },
    scores: { a: 0, b: 50, c: 100 },
  },
  {
    name: 'does not count others',
    there: { a: 1 },
    others: [
      [pod('x', { metadata: { labels: { app: 'db' } } }), 'b'],
      [web('y', { namespace: 'other' }), 'b'],
      [web('z', { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'b'],
    ],
    scores: { a: 0, b: 100, c: 100 },
  },
  {
    name: 'counts zones for two thirds, where there are any',
    nodes: ZONES,
    there: { a1: 2, b1: 1 },
    // On nodes 0, 100, 50 and 100; in zones 0 and 50.
    scores: { a1: 0, a2: 33, b1: 50, none: 100 },
  },
  {
    name: 'tells zones of different regions apart',
    nodes: {
      a: { [ZONE]: '1', [REGION]: 'x' },
      b: { [ZONE]: '1', [REGION]: 'y' },
      c: { [ZONE]: '1', [REGION]: 'x' },
    },
    there: { a: 1 },
    scores: { a: 0, b: 100, c: 33 },
  },
  {
    name: 'knows the labels of old',
    nodes: {
      a: { 'failure-domain.beta.kubernetes.io/zone': '1' },
      b: { [ZONE]: '1' },
      c: { [ZONE]: '2' },
    },
    there: { a: 1 },
    scores: { a: 0, b: 33, c: 100 },
  },
  {
    name: 'looks at a ReplicationController',
    objects: kernel => {
      kernel.add(ReplicationController, {
        metadata: { name: 'maker', namespace: 'default' },
        spec: { selector: { app: 'web' } },
      });
    },
    there: { a: 1 },
    pod: madeBy('ReplicationController', 'v1'),
    scores: { a: 0, b: 100, c: 100 },
  },
  {
    name: 'looks at a StatefulSet, and wants what its Service selects as well',
    objects: kernel => {
      addService(kernel);
      const template = { spec: { containers: [] } };
      const selector = { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] };
      kernel.add(StatefulSet, {
        metadata: { name: 'maker', namespace: 'default' },
        spec: { selector, template, serviceName: 'web' },
      });
    },
    there: { a: 1 },
    others: [[web('tiered', { labels: { app: 'web', tier: 'x' } }), 'b']],
    pod: madeBy('StatefulSet', 'apps/v1'),
    scores: { a: 0, b: 100, c: 100 },
  },
  {
    name: 'does not look at a controller of another group',
    objects: () => {},
    pod: madeBy('StatefulSet', 'example.com/v1'),
    scores: {},
  },
  {
    name: 'leaves pods alone that say how they are to be spread',
    there: { a: 1 },
    pod: {
      ...web('p'),
      spec: {
        containers: [],
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'ScheduleAnyway' },
        ],
      },
    },
    scores: {},
  },
];

for (const row of TABLE) {
  test(`score() ${row.name}`, async () => {
    const kernel = new TestKernel();
    (row.objects ?? addService)(kernel);
    const { context } = await activate(plugin, { kernel, config: {} });
    const [contribution] = context.contributions(schedulerPoint).list();
    const cluster = new PluginCluster(contribution?.value.local as SchedulerPlugin);
    for (const [name, labels] of Object.entries(row.nodes ?? FLAT)) {
      cluster.setNode(node(name, { metadata: { labels } }));
    }
    for (const [on, count] of Object.entries(row.there ?? {})) {
      for (let i = 0; i < count; i++) cluster.setPod(web(`${on}-${i}`), on);
    }
    for (const [one, on] of row.others ?? []) cluster.setPod(one, on);
    assert.deepEqual(cluster.scores(row.pod ?? web('p')), row.scores);
  });
}
