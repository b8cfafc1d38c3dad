import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node } from 'kernetes/sdk';
import { fakeClock, node } from 'kernetes/sdk/testing';
import { type Config, DEFAULT_CONFIG } from './config.ts';
import { stateOf, Zones, zoneKey } from './zones.ts';

function setUp(config: Partial<Config> = {}) {
  const clock = fakeClock();
  const turns: string[] = [];
  const disruptions: boolean[] = [];
  const judgements: Record<string, string> = {};
  const zones = new Zones({
    clock,
    config: { ...DEFAULT_CONFIG, ...config },
    onTurn: name => void turns.push(`${name} ${clock.monotonic() / 1_000}`),
    onDisruption: disrupted => void disruptions.push(disrupted),
    onJudged(zone, size, notReady) {
      judgements[zone] = `${notReady} of ${size}`;
    },
  });
  const observe = (zone: string, name: string, status: string, labels = {}) => {
    zones.observe(nodeIn(zone, name, status, labels));
    if (status !== 'True') zones.failed(name);
  };
  return { clock, zones, turns, disruptions, judgements, observe };
}

function nodeIn(zone: string, name: string, status: string, more = {}): Node {
  const labels = { 'topology.kubernetes.io/zone': zone, ...more };
  return {
    ...node(name, { metadata: { labels } }),
    status: { conditions: [{ type: 'Ready', status }] },
  };
}

const states: [number, number, string][] = [
  [0, 0, 'Normal'],
  [1, 0, 'Normal'],
  [0, 1, 'FullDisruption'],
  [1, 2, 'Normal'],
  [2, 3, 'PartialDisruption'],
  [9, 11, 'PartialDisruption'],
  [10, 10, 'Normal'],
];
for (const [ready, notReady, wanted] of states) {
  it(`stateOf() ${ready} ready and ${notReady} other nodes is ${wanted}`, () => {
    assert.equal(stateOf({ ready, notReady }, DEFAULT_CONFIG), wanted);
  });
}

it('zoneKey() tells regions and zones apart, by their earlier labels too', () => {
  const key = (labels: Record<string, string>) => zoneKey({ metadata: { labels } });
  assert.equal(key({}), '');
  const both = { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z' };
  assert.equal(key(both), 'r:z');
  assert.equal(key({ 'failure-domain.beta.kubernetes.io/zone': 'z' }), ':z');
});

describe('Zones', () => {
  it('lets one node of a zone lose its pods every ten seconds', async () => {
    const { clock, turns, observe } = setUp();
    for (const name of ['a', 'b', 'c', 'd', 'e']) observe('1', name, 'True');
    for (const name of ['x', 'y', 'z']) observe('2', name, 'True');
    observe('1', 'a', 'Unknown');
    observe('1', 'b', 'False');
    observe('2', 'x', 'Unknown');
    await clock.step(4_999);
    assert.deepEqual(turns, []);
    await clock.step(60_000);
    assert.deepEqual(turns, ['a 5', 'x 5', 'b 15']);
  });

  it('forgets one that recovered while it waited', async () => {
    const { clock, zones, turns, observe } = setUp();
    for (const name of ['c', 'd', 'e']) observe('1', name, 'True');
    observe('1', 'a', 'Unknown');
    observe('1', 'b', 'Unknown');
    await clock.step(10_000);
    zones.withdraw('b');
    observe('1', 'b', 'True');
    await clock.step(60_000);
    assert.deepEqual(turns, ['a 5']);
  });

  it('stops in a small zone that is partly down, and goes on when it is better', async () => {
    const { clock, turns, observe } = setUp();
    for (const name of ['a', 'b']) observe('1', name, 'True');
    for (const name of ['x', 'y', 'z']) observe('1', name, 'Unknown');
    await clock.step(300_000);
    assert.deepEqual(turns, []);
    for (const name of ['c', 'd', 'e']) observe('1', name, 'True');
    await clock.step(40_000);
    assert.deepEqual(turns, ['x 315', 'y 325', 'z 335']);
  });

  it('is slower in a large one', async () => {
    const { clock, turns, observe } = setUp();
    for (let i = 0; i < 20; i++) observe('1', `up-${i}`, 'True');
    for (let i = 0; i < 31; i++) observe('1', `down-${i}`, 'Unknown');
    await clock.step(250_000);
    assert.deepEqual(turns, ['down-0 5', 'down-1 105', 'down-2 205']);
  });

  it('goes on in a zone that is all down as long as another is not', async () => {
    const { clock, turns, disruptions, observe } = setUp();
    observe('2', 'a', 'True');
    for (const name of ['x', 'y', 'z']) observe('1', name, 'Unknown');
    await clock.step(16_000);
    assert.deepEqual(turns, ['x 5', 'y 15']);
    assert.deepEqual(disruptions, []);
  });

  it('stops everywhere when all zones are down, and tells when that is over', async () => {
    const { clock, zones, turns, disruptions, observe } = setUp();
    for (const name of ['x', 'y']) observe('1', name, 'Unknown');
    observe('2', 'z', 'False');
    await clock.step(600_000);
    assert.deepEqual(turns, []);
    assert.equal(zones.disrupted, true);
    observe('2', 'z', 'True');
    await clock.step(5_000);
    assert.deepEqual(disruptions, [true, false]);
    // Who is told reconciles all nodes.
    zones.failed('x');
    await clock.step(30_000);
    assert.deepEqual(turns, ['x 615']);
  });

  it('does not count a node that is excluded, and forgets zones without nodes', async () => {
    const { clock, zones, disruptions, judgements, observe } = setUp();
    observe('1', 'x', 'True', { 'node.kubernetes.io/exclude-disruption': '' });
    observe('2', 'y', 'Unknown');
    await clock.step(5_000);
    assert.deepEqual(disruptions, [true]);
    zones.forget('y');
    await clock.step(5_000);
    assert.deepEqual(judgements, { ':1': '0 of 0', ':2': '0 of 0' });
  });
});
