import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  deleteRequest,
  Event,
  Node,
  Pod,
  serviceUnavailable,
  type Taint,
  type Toleration,
} from 'kernetes/sdk';
import { activate, fakeClock, node, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' };
const UNREACHABLE: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
const OTHER: Taint = { key: 'monitor', value: 'true', effect: 'NoExecute' };

/** For so many seconds, or forever. */
function tolerating({ key }: Taint, tolerationSeconds?: number): Toleration {
  return {
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    ...(tolerationSeconds !== undefined && { tolerationSeconds }),
  };
}

function on(nodeName: string, name: string, ...tolerations: Toleration[]): Pod {
  return pod(name, { spec: { nodeName, containers: [{ name: 'main' }], tolerations } });
}

const BOTH = [tolerating(NOT_READY, 300), tolerating(UNREACHABLE, 300)];

async function setUp(...pods: Pod[]) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  kernel.add(Node, node('n1'), node('n2'));
  kernel.add(Pod, ...pods);
  const start = () => activate(plugin, { kernel, clock });
  const { dispose } = await start();
  const taint = async (name: string, ...taints: Taint[]) => {
    kernel.modify(Node, name, ({ spec }) => {
      if (spec) spec.taints = taints;
    });
    await clock.step(0);
  };
  const names = () => kernel.all(Pod).map(({ metadata }) => metadata.name);
  const events = () => {
    return kernel.all(Event).map(({ reason, message, source, count }) => {
      assert.deepEqual(
        [reason, source?.component, count],
        [REASON, 'taint-eviction-controller', 1],
      );
      return message;
    });
  };
  return { kernel, clock, start, dispose, taint, names, events };
}
const REASON = 'TaintManagerEviction';

/** RFC 3339 of so many seconds after the test's begin. */
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();

describe('controller.taint-eviction', () => {
  it('deletes what does not tolerate the taint, and says why', async () => {
    const { kernel, taint, names, events } = await setUp(on('n1', 'a', ...BOTH), on('n2', 'b'));
    await taint('n1', OTHER);
    assert.deepEqual(names(), ['b']);
    assert.deepEqual(events(), ['Marking for deletion Pod default/a']);
    const [patch, gone] = kernel.requests.filter(({ resource, verb }) => {
      return resource === 'pods' && verb !== 'list';
    });
    assert.ok(patch && gone);
    assert.equal(patch.subresource, 'status');
    assert.deepEqual((patch.body as Pod).status?.conditions, [
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ]);
    assert.equal(gone.verb, 'delete');
    const { gracePeriodSeconds, preconditions } = gone.body as Record<string, object>;
    assert.equal(gracePeriodSeconds, undefined);
    assert.ok(preconditions);
  });

  const cases: [string, Toleration[], Taint[], number | undefined][] = [
    ['after its seconds', [tolerating(OTHER, 10)], [OTHER], 10],
    ['never with a toleration without seconds', [tolerating(OTHER)], [OTHER], undefined],
    ['at once with 0 seconds', [tolerating(OTHER, 0)], [OTHER], 0],
    ['after the least of its seconds', BOTH.concat(tolerating(OTHER, 20)), [NOT_READY, OTHER], 20],
    ['at once when one of two is not tolerated', [tolerating(OTHER)], [OTHER, NOT_READY], 0],
    [
      'by the first of its tolerations',
      [tolerating(OTHER), tolerating(OTHER, 5)],
      [OTHER],
      undefined,
    ],
    ['never because of another effect', [], [{ ...OTHER, effect: 'NoSchedule' }], undefined],
  ];
  for (const [what, tolerations, taints, seconds] of cases) {
    it(`deletes a pod ${what}`, async () => {
      const { clock, taint, names } = await setUp(on('n1', 'a', ...tolerations));
      await taint('n1', ...taints);
      await clock.step((seconds ?? 100_000) * 1_000 - 1);
      assert.deepEqual(names(), seconds === 0 ? [] : ['a']);
      await clock.step(1);
      assert.deepEqual(names(), seconds === undefined ? ['a'] : []);
    });
  }

  it('cancels when the taint goes in time', async () => {
    const { clock, taint, names, events } = await setUp(on('n1', 'a', ...BOTH));
    await taint('n1', NOT_READY);
    await clock.step(299_000);
    await taint('n1');
    await clock.step(600_000);
    assert.deepEqual(names(), ['a']);
    assert.deepEqual(events(), ['Cancelling deletion of Pod default/a']);
  });

  it('cancels when the pod gets a toleration in time', async () => {
    const { kernel, clock, taint, names, events } = await setUp(on('n1', 'a', ...BOTH));
    await taint('n1', NOT_READY);
    await clock.step(100_000);
    kernel.modify(Pod, 'default/a', ({ spec }) => {
      if (spec) spec.tolerations = [tolerating(NOT_READY)];
    });
    await clock.step(600_000);
    assert.deepEqual(names(), ['a']);
    assert.deepEqual(events(), ['Cancelling deletion of Pod default/a']);
  });

  it('deletes at once when another taint comes that is not tolerated', async () => {
    const { clock, taint, names, events } = await setUp(on('n1', 'a', ...BOTH));
    await taint('n1', NOT_READY);
    await clock.step(10_000);
    await taint('n1', NOT_READY, OTHER);
    assert.deepEqual(names(), []);
    assert.deepEqual(events(), [
      'Cancelling deletion of Pod default/a',
      'Marking for deletion Pod default/a',
    ]);
  });

  it('goes on counting when one taint takes the place of another', async () => {
    const { clock, taint, names } = await setUp(on('n1', 'a', ...BOTH));
    await taint('n1', NOT_READY);
    await clock.step(200_000);
    await taint('n1', UNREACHABLE);
    await clock.step(99_000);
    assert.deepEqual(names(), ['a']);
    await clock.step(1_000);
    assert.deepEqual(names(), []);
  });

  it('counts a taint beside others from its own time', async () => {
    const { clock, taint, names } = await setUp(on('n1', 'a', ...BOTH, tolerating(OTHER, 60)));
    await taint('n1', NOT_READY);
    await clock.step(200_000);
    await taint('n1', NOT_READY, OTHER);
    await clock.step(59_000);
    assert.deepEqual(names(), ['a']);
    await clock.step(1_000);
    assert.deepEqual(names(), []);
  });

  it('goes on counting after a restart', async () => {
    const { clock, start, dispose, taint, names } = await setUp(on('n1', 'a', ...BOTH));
    await taint('n1', { ...NOT_READY, timeAdded: at(0) });
    await clock.step(200_000);
    await dispose();
    await start();
    await clock.step(99_000);
    assert.deepEqual(names(), ['a']);
    await clock.step(1_000);
    assert.deepEqual(names(), []);
  });

  it('counts from now when the taint tells of a time to come', async () => {
    const { clock, taint, names } = await setUp(on('n1', 'a', ...BOTH));
    await taint('n1', { ...NOT_READY, timeAdded: at(1_000) });
    await clock.step(299_000);
    assert.deepEqual(names(), ['a']);
    await clock.step(1_000);
    assert.deepEqual(names(), []);
  });

  it('gives a pod that came later its full time', async () => {
    const { kernel, clock, taint, names } = await setUp();
    await taint('n1', { ...NOT_READY, timeAdded: at(0) });
    await clock.step(1_000_000);
    const conditions = [{ type: 'PodScheduled', status: 'True', lastTransitionTime: at(1_000) }];
    kernel.add(Pod, { ...on('n1', 'a', ...BOTH), status: { conditions } });
    await clock.step(299_000);
    assert.deepEqual(names(), ['a']);
    await clock.step(1_000);
    assert.deepEqual(names(), []);
  });

  it('tells once, and tries until it is done', async () => {
    const { kernel, clock, taint, names, events } = await setUp(on('n1', 'a'));
    for (const verb of ['patch', 'delete'] as const) {
      kernel.fault = request =>
        request.verb === verb && request.resource === 'pods'
          ? serviceUnavailable('down')
          : undefined;
      await taint('n1', OTHER);
      await clock.step(1_000);
      assert.deepEqual(names(), ['a']);
    }
    kernel.fault = () => undefined;
    await clock.step(10_000);
    assert.deepEqual(names(), []);
    assert.deepEqual(events(), ['Marking for deletion Pod default/a']);
  });

  it('does the rest after a crash between the condition and the deletion', async () => {
    const { kernel, start, dispose, taint, names } = await setUp(on('n1', 'a'));
    kernel.fault = ({ verb }) => (verb === 'delete' ? serviceUnavailable('down') : undefined);
    await taint('n1', OTHER);
    assert.equal(kernel.get(Pod, 'default/a')?.status?.conditions?.length, 1);
    await dispose();
    kernel.fault = () => undefined;
    await start();
    assert.deepEqual(names(), []);
  });

  for (const verb of ['patch', 'delete']) {
    it(`leaves a pod of the name that was made before its ${verb}`, async () => {
      const { kernel, clock, taint } = await setUp(on('n1', 'a'));
      const key = { namespace: 'default', name: 'a' };
      let isReplaced = false;
      kernel.fault = request => {
        if (request.verb !== verb || request.resource !== 'pods' || isReplaced) return undefined;
        isReplaced = true;
        void kernel.link('somebody').request([deleteRequest(Pod, key)]);
        kernel.add(Pod, on('n2', 'a'));
        return undefined;
      };
      await taint('n1', OTHER);
      await clock.step(10_000);
      const left = kernel.get(Pod, 'default/a');
      assert.equal(left?.spec?.nodeName, 'n2');
      assert.equal(left?.status, undefined);
    });
  }

  it('deletes once, however late it learns of it', async () => {
    const { kernel, clock, taint } = await setUp(on('n1', 'a'));
    kernel.modify(Pod, 'default/a', ({ metadata }) => {
      metadata.finalizers = ['test/hold'];
    });
    await taint('n1', OTHER);
    for (const timeAdded of [at(1), at(2)]) await taint('n1', { ...OTHER, timeAdded });
    await clock.step(100_000);
    const deletes = kernel.requests.filter(({ verb }) => verb === 'delete');
    assert.equal(deletes.length, 1);
  });

  it('deletes once while its copy of the pods is old', async () => {
    const { kernel, taint } = await setUp(on('n1', 'a'));
    kernel.modify(Pod, 'default/a', ({ metadata }) => {
      metadata.finalizers = ['test/hold'];
    });
    const release = kernel.holdWatches({ resource: 'pods' });
    for (const timeAdded of [at(1), at(2)]) await taint('n1', { ...OTHER, timeAdded });
    release();
    assert.equal(kernel.requests.filter(({ verb }) => verb === 'delete').length, 1);
  });

  it('says nothing of a pod that somebody else deletes', async () => {
    const { kernel, clock, taint, events } = await setUp(on('n1', 'a'));
    kernel.modify(Pod, 'default/a', ({ metadata }) => {
      metadata.finalizers = ['test/hold'];
    });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    await clock.step(0);
    await taint('n1', OTHER);
    assert.deepEqual(events(), []);
    assert.equal(kernel.get(Pod, 'default/a')?.status, undefined);
  });

  it('does nothing about pods whose node is gone', async () => {
    const { kernel, clock, taint, names, events } = await setUp(on('n1', 'a', ...BOTH));
    await taint('n1', NOT_READY);
    await kernel.objects.delete(Node, { name: 'n1' });
    await clock.step(600_000);
    assert.deepEqual(names(), ['a']);
    assert.deepEqual(events(), []);
  });
});
