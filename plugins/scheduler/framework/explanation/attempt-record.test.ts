import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizeToMax, type SchedulerPlugin, verdict } from 'kernetes/sdk';
import { fakeClock, node, pod } from 'kernetes/sdk/testing';
import { bareScheduler, local, remote } from '../test-setup.ts';

const NOT_N0 = verdict.unschedulable('not n0');
const SKIPS: SchedulerPlugin = {
  name: 'Skips',
  preFilter: () => verdict.skip,
  filter: () => NOT_N0,
};

/** Refuses n0 for all pods, and all nodes for pods labelled so. */
function picky(cacheable: boolean): SchedulerPlugin {
  return {
    name: 'Picky',
    cacheable,
    filter: ({ node: { name }, pod: { labels } }) =>
      name === 'n0' || labels.fits === 'nowhere' ? NOT_N0 : undefined,
    score: ({ node: { name } }) => (name === 'n1' ? 3 : 6),
    normalize: scores => normalizeToMax(scores),
  };
}
const EVEN: SchedulerPlugin = { name: 'Even', cacheable: true, score: () => 7 };

function start(cacheable: boolean, plain = false) {
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const scheduler = bareScheduler([local(SKIPS), local(picky(cacheable)), local(EVEN)], {
    clock,
    nodes: ['n0', 'n1', 'n2'].map(name => node(name)),
    placed,
    plain,
  });
  return { clock, placed, scheduler };
}

for (const [cacheable, plain] of [
  [true, false],
  [false, false],
  [true, true],
] as const) {
  test(`explanationOf() has verdicts and scores (cacheable: ${cacheable}, plain: ${plain})`, async () => {
    const { clock, scheduler } = start(cacheable, plain);
    scheduler.setPod(pod('p', { metadata: { uid: 'u' } }));
    await clock.step(1);
    const explained = scheduler.recorder?.explanationOf('default/p');
    assert.equal(explained?.state, 'scheduled');
    const [attempt] = explained?.attempts ?? [];
    assert.equal(attempt?.outcome, 'scheduled');
    assert.equal(attempt.nodeName, 'n2');
    assert.deepEqual(attempt.filters, ['Picky']);
    const scores = new Map(attempt.scores.map(({ plugin, weight }, i) => [plugin, { weight, i }]));
    assert.deepEqual([...scores.keys()].sort(), ['Even', 'Picky']);
    const at = scores.get('Picky')?.i ?? -1;
    const told = attempt.nodes.map(({ name, verdict: said, raw, normalized, total, reasons }) => {
      return [name, said, reasons?.[0] ?? raw?.[at], normalized?.[at], total];
    });
    assert.deepEqual(told.sort(), [
      ['n0', 'refused', 'not n0', undefined, undefined],
      ['n1', 'feasible', 3, 50, 57],
      ['n2', 'feasible', 6, 100, 107],
    ]);
  });
}

test('a pod that fits nowhere keeps its last attempts and who it waits for', async () => {
  const { clock, scheduler } = start(true);
  scheduler.setPod(pod('p', { metadata: { uid: 'u', labels: { fits: 'nowhere' } } }));
  await clock.step(1);
  for (let i = 0; i < 6; i++) {
    scheduler.setNode(node(`more-${i}`));
    await clock.step(20_000);
  }
  const explained = scheduler.recorder?.explanationOf('default/p');
  assert.equal(explained?.state, 'unschedulable');
  assert.deepEqual(explained.waitsFor, ['Picky']);
  assert.deepEqual(
    explained.attempts.map(({ number }) => number),
    [4, 5, 6, 7],
  );
  assert.equal(explained.attempts[3]?.message, '0/9 nodes are available: 9 not n0.');
  assert.equal(explained.attempts[3]?.nodes.length, 9);
  assert.equal(explained.attempts[0]?.nodes.length, 6);
});

test('what came long ago is forgotten, and so is a pod that is gone', async () => {
  const { clock, scheduler, placed } = start(true);
  for (let i = 0; i < 600; i++) scheduler.setPod(pod(`p${i}`, { metadata: { uid: `u${i}` } }));
  await clock.step(100);
  assert.ok(placed.size > 200);
  const known = [...(scheduler.recorder?.keys ?? [])];
  assert.ok(known.length <= 512 && known.length > 200);
  const last = known.at(-1) ?? '';
  scheduler.removePod(pod(last.split('/')[1] ?? ''));
  assert.equal(scheduler.recorder?.explanationOf(last), undefined);
  assert.equal(scheduler.recorder?.explanationOf('default/none'), undefined);
});

for (const cacheable of [true, false]) {
  test(`explanationOf() has what plugins in other threads said (cacheable: ${cacheable})`, async () => {
    const elsewhere: SchedulerPlugin = {
      name: 'Elsewhere',
      cacheable,
      filter: ({ node: { name }, pod: { labels } }) =>
        name === 'n0' || labels.fits === 'nowhere' ? NOT_N0 : undefined,
      score: ({ node: { name } }) => (name === 'n1' ? 30 : 60),
    };
    const clock = fakeClock();
    const scheduler = bareScheduler([local(EVEN), remote(elsewhere)], {
      clock,
      nodes: ['n0', 'n1', 'n2'].map(name => node(name)),
      placed: new Map(),
    });
    scheduler.setPod(pod('p', { metadata: { uid: 'u' } }));
    scheduler.setPod(pod('q', { metadata: { uid: 'v', labels: { fits: 'nowhere' } } }));
    await clock.step(10);
    const [attempt] = scheduler.recorder?.explanationOf('default/p')?.attempts ?? [];
    assert.deepEqual(attempt?.filters, ['Elsewhere']);
    assert.deepEqual(
      attempt.scores.map(({ plugin }) => plugin),
      ['Even', 'Elsewhere'],
    );
    const told = attempt.nodes.map(({ name, plugin, normalized, total }) => {
      return [name, plugin, normalized, total];
    });
    assert.deepEqual(told.sort(), [
      ['n0', 'Elsewhere', undefined, undefined],
      ['n1', undefined, [7, 30], 37],
      ['n2', undefined, [7, 60], 67],
    ]);
    const [refused] = scheduler.recorder?.explanationOf('default/q')?.attempts ?? [];
    assert.deepEqual(
      [refused?.filters, refused?.nodes.map(({ plugin }) => plugin)],
      [['Elsewhere'], ['Elsewhere', 'Elsewhere', 'Elsewhere']],
    );
  });
}
