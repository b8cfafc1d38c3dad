import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import type { Pod } from 'kernetes/sdk';
import type { FakeClock } from 'kernetes/sdk/testing';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { lines, type Moment, PodStory } from './pod-story.ts';
import { startSchedulingNodes } from './scheduling-nodes.ts';

const MANIFEST = join(import.meta.dirname, '../testdata/manifests/scheduling.yaml');
/** Deployments of five on nodes that are tainted under them. */
describe('Deployments on tainted nodes', { timeout: 120_000, skip: withoutKubectl() }, () => {
  let clock: FakeClock;
  let cluster: Cluster;
  let kubectl: Kubectl;
  let story: PodStory;

  before(async () => {
    ({ cluster, clock, kubectl } = await startSchedulingNodes());
    story = new PodStory(cluster.objects, { namespace: 'default' });
  });
  after(async () => {
    story?.stop();
    await cluster?.close();
  });

  /** What happened, and where the pods are then. */
  const goOn = async () => {
    await clock.step(30_000);
    const moments = story.take();
    return { told: lines(moments, nameOf), at: places(moments.at(-1) ?? new Map()) };
  };
  /** READY of each Deployment. */
  const ready = async () => {
    const rows = (await kubectl.run('get deploy --no-headers')).trim().split('\n');
    return Object.fromEntries(rows.map(row => row.split(/ +/).slice(0, 2)));
  };

  it('run as many pods as there are fitting nodes for', async () => {
    await kubectl.run(`apply -f ${MANIFEST}`);
    const { at } = await goOn();
    assert.deepEqual(await ready(), READY);
    assert.deepEqual(at['node-name'], [56, 56, 56, 56, 56]);
    assert.deepEqual(at['node-selector'], [54, 54, 54, 54, 54]);
    assert.deepEqual(at['required-1'], [56, 56, 56, 56, 56]);
    assert.deepEqual(at['required-2'], [0, 0, 0, 0, 0]);
    const used = new Set(Object.values(at).flat());
    assert.deepEqual([...used].sort(), [0, 54, 55, 56]);
  });

  it('keep their pods on a node that is tainted NoSchedule, until a rollout', async () => {
    await kubectl.run('taint node centos-7-54 monitor=true:NoSchedule');
    const { told, at } = await goOn();
    assert.deepEqual(told, []);
    await kubectl.run('rollout restart deployment preferred-3');
    const rolled = await goOn();
    assert.equal(rolled.told.filter(line => line === '+preferred-3').length, 5);
    assert.ok(!rolled.at['preferred-3']?.includes(54));
    assert.deepEqual(rolled.at['node-selector'], at['node-selector']);
  });

  it('lose their pods on a node that is tainted NoExecute, and have others elsewhere', async () => {
    const before = (await goOn()).at;
    const lost = Object.entries(before).flatMap(([name, nodes]) =>
      nodes.filter(node => node === 55).map(() => name),
    );
    assert.ok(lost.length > 0);
    await kubectl.run('taint node centos-7-55 monitor=true:NoExecute');
    const { told, at } = await goOn();
    const ended = told.filter(line => line.startsWith('-'));
    const made = told.filter(line => line.startsWith('+'));
    assert.deepEqual(ended.sort(), lost.map(name => `-${name}`).sort());
    assert.deepEqual(made.sort(), lost.map(name => `+${name}`).sort());
    assert.deepEqual(await ready(), READY);
    assert.ok(!Object.values(at).flat().includes(55));
    const events = await kubectl.run('get events --field-selector=reason=TaintManagerEviction');
    assert.match(events, /Marking for deletion Pod default\/[a-z0-9-]+/);
  });

  it('have a node for themselves by a label and a taint that only they tolerate', async () => {
    for (const last of [54, 55]) await kubectl.run(`taint node centos-7-${last} monitor-`);
    await kubectl.run('label node centos-7-56 prometheus=true');
    await kubectl.run('taint node centos-7-56 monitor=true:NoSchedule');
    const { told, at } = await goOn();
    assert.deepEqual(told, ['prometheus ready']);
    assert.deepEqual(at.prometheus, [56]);
    await kubectl.run('rollout restart deployment preferred-4');
    const rolled = await goOn();
    assert.equal(rolled.at['preferred-4']?.length, 5);
    assert.ok(!rolled.at['preferred-4']?.includes(56));
  });
});

/** No node fits the two that wait. */
const READY = {
  'node-name': '5/5',
  'node-selector': '5/5',
  'pod-affinity-hard': '5/5',
  'pod-affinity-soft': '5/5',
  'preferred-3': '5/5',
  'preferred-4': '5/5',
  prometheus: '0/1',
  'required-1': '5/5',
  'required-2': '0/5',
};

/** The Deployment that a pod is of. */
function nameOf({ metadata }: Pod): string {
  return metadata.name?.replace(/-\w+-\w+$/, '') ?? '';
}

/** The last digits of the nodes of each Deployment's pods; 0: on none. */
function places(moment: Moment): Record<string, number[]> {
  const at: Record<string, number[]> = {};
  for (const pod of moment.values()) {
    at[nameOf(pod)] ??= [];
    at[nameOf(pod)]?.push(Number(pod.spec?.nodeName?.slice(-2) ?? 0));
  }
  return at;
}
