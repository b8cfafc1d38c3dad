import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease, Node } from 'kernetes/sdk';
import { fakeClock, node } from 'kernetes/sdk/testing';
import { DEFAULT_CONFIG } from './config.ts';
import { Heartbeats } from './heartbeats.ts';

function setUp() {
  const clock = fakeClock();
  const overdue: string[] = [];
  const onOverdue = (name: string) => void overdue.push(`${name} ${clock.monotonic() / 1_000}`);
  const heartbeats = new Heartbeats({ clock, config: DEFAULT_CONFIG, onOverdue });
  return { clock, heartbeats, overdue };
}

const lease = (name: string, renewTime: number): Lease => ({
  metadata: { name, namespace: 'kube-node-lease' },
  spec: { renewTime: String(renewTime) },
});

function reporting(name: string, lastHeartbeatTime: string): Node {
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime }];
  return { ...node(name), status: { conditions } };
}

test('a node is overdue 40 s after its last sign of life', async () => {
  const { clock, heartbeats, overdue } = setUp();
  heartbeats.observe(reporting('status', '0'));
  heartbeats.observe(reporting('lease', '0'));
  heartbeats.observe(reporting('silent', '0'));
  await clock.step(20_000);
  heartbeats.observe(reporting('status', '20'));
  heartbeats.renewed(lease('lease', 20));
  heartbeats.observe({ ...reporting('silent', '0'), spec: { unschedulable: true } });
  await clock.step(9_000);
  // The same as before: nobody renewed it.
  heartbeats.renewed(lease('lease', 20));
  await clock.step(60_000);
  assert.deepEqual(overdue, ['silent 40', 'status 60', 'lease 60']);
});

test('a node that never said anything has 60 s from its creation, or from its last Lease', async () => {
  const { clock, heartbeats, overdue } = setUp();
  const creationTimestamp = new Date(clock.now() - 30_000).toISOString();
  for (const name of ['new', 'old', 'leased']) {
    const age =
      name === 'old' ? { creationTimestamp } : { creationTimestamp: '2026-01-01T00:00:00Z' };
    heartbeats.observe({ metadata: { name, ...age }, status: {} });
  }
  await clock.step(10_000);
  heartbeats.renewed(lease('leased', 10));
  await clock.step(90_000);
  assert.deepEqual(overdue, ['old 30', 'new 60', 'leased 70']);
});

test('a node that says for the first time that it is ready has 40 s from then on', async () => {
  const { clock, heartbeats, overdue } = setUp();
  const creationTimestamp = '2026-01-01T00:00:00Z';
  heartbeats.observe({ metadata: { name: 'n', creationTimestamp }, status: {} });
  await clock.step(10_000);
  heartbeats.observe(reporting('n', '10'));
  await clock.step(90_000);
  assert.deepEqual(overdue, ['n 50']);
});

test('it is told once, and again when it was heard of meanwhile', async () => {
  const { clock, heartbeats, overdue } = setUp();
  heartbeats.observe(reporting('n', '0'));
  await clock.step(200_000);
  assert.equal(heartbeats.isOverdue('n'), true);
  heartbeats.renewed(lease('n', 200));
  assert.equal(heartbeats.isOverdue('n'), false);
  await clock.step(200_000);
  heartbeats.reset();
  await clock.step(50_000);
  assert.deepEqual(overdue, ['n 40', 'n 240', 'n 440']);
});

test('a node that is forgotten is not overdue, nor is one of its name early', async () => {
  const { clock, heartbeats, overdue } = setUp();
  heartbeats.observe(reporting('n', '0'));
  await clock.step(10_000);
  heartbeats.forget('n');
  heartbeats.observe(reporting('n', '0'));
  await clock.step(45_000);
  assert.deepEqual(overdue, ['n 50']);
});

test('5,000 nodes cost one timer, and each a look once in its grace period', async () => {
  const { clock, heartbeats, overdue } = setUp();
  const names = Array.from({ length: 5_000 }, (_, i) => `node-${i}`);
  for (const name of names) heartbeats.observe(reporting(name, '0'));
  let looks = 0;
  const real = clock.monotonic;
  clock.monotonic = () => {
    looks++;
    return real();
  };
  for (let second = 10; second <= 600; second += 10) {
    for (const name of names) heartbeats.renewed(lease(name, second));
    await clock.step(10_000);
    assert.equal(clock.pending, 1);
  }
  // One for each of the 60 heartbeats, one for each look: a scan would take 120 looks.
  assert.ok(looks <= 5_000 * (60 + 20) + 1_000, `${looks} looks at the clock`);
  assert.deepEqual(overdue, []);
  await clock.step(60_000);
  assert.equal(overdue.length, 5_000);
  assert.equal(clock.pending, 0);
});
