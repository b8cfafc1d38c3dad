import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  kindPoint,
  type PodExplanation,
  schedulingExplainerPoint,
  type VirtualKind,
} from 'kernetes/sdk';
import { activate, checkKind, kindsOf, rowOf } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const asked = (namespace: string) => ({ user: { name: 'a', groups: [] }, namespace, options: {} });

const explanation = (namespace: string, name: string): PodExplanation => ({
  ...{ namespace, name, uid: `${name}-1`, schedulerName: 'default-scheduler' },
  state: 'unschedulable',
  waitsFor: ['NodeResourcesFit'],
  attempts: [
    {
      ...{ number: 3, time: '2026-01-01T00:00:00.000000Z', outcome: 'unschedulable' },
      message: '0/1 nodes are available: 1 Insufficient cpu.',
      filters: ['NodeResourcesFit'],
      scores: [],
      nodes: [
        {
          name: 'n',
          verdict: 'refused',
          plugin: 'NodeResourcesFit',
          reasons: ['Insufficient cpu'],
        },
      ],
    },
  ],
});

async function setUp(...known: PodExplanation[]) {
  const { context } = await activate(plugin);
  context.provide(schedulingExplainerPoint, {
    explain: async pod =>
      known.find(({ namespace, name }) => namespace === pod.namespace && name === pod.name),
    list: async namespace => known.filter(each => !namespace || each.namespace === namespace),
  });
  const [kind] = context.contributions(kindPoint).list();
  assert.ok(kind);
  return { kind: kind.value, virtual: kind.value.virtual as Required<VirtualKind> };
}

describe('api.scheduling-explanation', () => {
  it('keeps to what kinds must', async () => {
    for (const kind of await kindsOf(plugin)) checkKind(kind);
  });

  it('gives what the scheduler says, with metadata', async () => {
    const { virtual } = await setUp(explanation('default', 'web'));
    const object = await virtual.get('web', asked('default'));
    const { namespace, name, uid, ...rest } = explanation('default', 'web');
    assert.deepEqual(object, { metadata: { namespace, name, uid }, ...rest });
  });

  it('gives NotFound for a pod that no scheduler knows', async () => {
    const { virtual } = await setUp(explanation('default', 'web'));
    const isNotFound = (error: unknown) => ApiError.is(error, 'NotFound');
    await assert.rejects(async () => virtual.get('web', asked('other')), isNotFound);
  });

  it('lists those of a namespace, or all, in the order of their names', async () => {
    const all = [explanation('b', 'x'), explanation('a', 'z'), explanation('a', 'y')];
    const { virtual } = await setUp(...all);
    const names = async (namespace: string) =>
      (await virtual.list(asked(namespace))).map(({ metadata }) => metadata.name);
    assert.deepEqual(await names(''), ['y', 'z', 'x']);
    assert.deepEqual(await names('a'), ['y', 'z']);
  });

  it('shows the newest attempt in a table', async () => {
    const { kind, virtual } = await setUp(explanation('default', 'web'));
    const object = await virtual.get('web', asked('default'));
    assert.deepEqual(rowOf(kind, 'v1alpha1', { object, now: 0 }), {
      Name: 'web',
      State: 'unschedulable',
      Attempts: 3,
      Node: '<none>',
      'Waits for': 'NodeResourcesFit',
      Scheduler: 'default-scheduler',
      Message: '0/1 nodes are available: 1 Insufficient cpu.',
    });
  });
});
