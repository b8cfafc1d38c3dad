import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import { Pod, podCondition } from 'kernetes/sdk';
import { type FakeClock, fakeClock, seededRandom } from 'kernetes/sdk/testing';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { withRuntime } from './profiles.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

/** Two nodes of 8 CPUs that are full, and pods that matter more than those there. */
describe('Preemption', { timeout: 120_000, skip: withoutKubectl() }, () => {
  let cluster: Cluster;
  let clock: FakeClock;
  let kubectl: Kubectl;
  let folder: string;

  before(async () => {
    clock = fakeClock(wholeMinute());
    const slow = { profile: withRuntime({ stopMs: 20_000 }), random: seededRandom() };
    ({ cluster, kubectl } = await startCluster({ nodes: 2, clock, ...slow }));
    folder = await mkdtemp(join(tmpdir(), 'kernetes-preemption-'));
    await clock.step(20_000);
    const classes: [name: string, value: number, more?: string][] = [
      ['low', 100],
      ['middle', 500, ' --preemption-policy=Never'],
      ['high', 1000],
      ['higher', 5000],
      ['highest', 6000],
      ['polite', 2000, ' --preemption-policy=Never'],
    ];
    for (const [name, value, more = ''] of classes) {
      await kubectl.run(`create priorityclass ${name} --value=${value}${more}`);
    }
    await apply('deployment', deployment('low', 2));
    await apply('deployment', deployment('middle', 2));
    assert.equal((await podsOf('low')).filter(isRunning).length, 2);
    assert.equal((await podsOf('middle')).filter(isRunning).length, 2);
  });
  after(async () => {
    await cluster?.close();
    await rm(folder, { recursive: true });
  });

  const apply = async (name: string, object: object) => {
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(object));
    await kubectl.run(`apply -f ${file}`);
    await clock.step(5_000);
  };
  const podsOf = async (app: string) => {
    const { items } = await cluster.objects.list(Pod, { labelSelector: `app=${app}` });
    return items;
  };
  const get = (name: string) => cluster.objects.get(Pod, { namespace: 'default', name });
  /** What a pod's events say, for one reason. */
  const told = async (name: string, reason: string) => {
    const selector = `involvedObject.name=${name},reason=${reason}`;
    const columns = 'custom-columns=:.message';
    const rows = await kubectl.run(
      `get events --field-selector=${selector} --no-headers -o ${columns}`,
    );
    return rows.trim().split('\n');
  };

  it('deletes the pod that matters least, and says so on it and in events', async () => {
    await apply('urgent', podOf('urgent', 'high'));
    const urgent = await get('urgent');
    const victims = (await podsOf('low')).filter(each => each.metadata.deletionTimestamp);
    assert.equal(victims.length, 1);
    const [victim] = victims as [Pod];
    assert.equal(urgent.status?.nominatedNodeName, victim.spec?.nodeName);
    assert.match(
      await kubectl.run('get pod urgent -o wide --no-headers'),
      new RegExp(`Pending .* <none> +${victim.spec?.nodeName} +<none>`),
    );
    const condition = podCondition(victim, 'DisruptionTarget');
    assert.equal(condition?.reason, 'PreemptionByScheduler');
    const why = 'default-scheduler: preempting to accommodate a higher priority pod';
    assert.equal(condition?.message, why);
    const text = `Preempted by pod ${urgent.metadata.uid} on node ${victim.spec?.nodeName}`;
    assert.deepEqual(await told(victim.metadata.name ?? '', 'Preempted'), [text]);
    const described = await kubectl.run('describe pod urgent');
    assert.match(described, /NominatedNodeName: +node-\d/);
    assert.match(described, /FailedScheduling .* 0\/2 nodes are available: 2 Insufficient cpu\./);
  });

  it('brings the pod to its node when there is room, though others wait for it', async () => {
    const nominated = (await get('urgent')).status?.nominatedNodeName;
    await clock.step(60_000);
    const urgent = await get('urgent');
    assert.ok(isRunning(urgent));
    assert.equal(urgent.spec?.nodeName, nominated);
    const waiting = (await podsOf('low')).filter(each => !each.spec?.nodeName);
    assert.equal(waiting.length, 1);
    const [said] = await told(waiting[0]?.metadata.name ?? '', 'FailedScheduling');
    const nobody =
      'preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.';
    assert.equal(said, `0/2 nodes are available: 2 Insufficient cpu. ${nobody}`);
  });

  it('does not happen for a pod whose class forbids it', async () => {
    await apply('polite', podOf('polite', 'polite'));
    await clock.step(60_000);
    assert.equal((await get('polite')).spec?.nodeName, undefined);
    const [said] = await told('polite', 'FailedScheduling');
    const polite = 'preemption: not eligible due to preemptionPolicy=Never.';
    assert.equal(said, `0/2 nodes are available: 2 Insufficient cpu. ${polite}`);
    await kubectl.run('delete pod polite --wait=false');
  });

  it('spares pods that a budget protects as long as there are others', async () => {
    await kubectl.run('create poddisruptionbudget low --selector=app=low --min-available=1');
    await clock.step(5_000);
    await apply('second', podOf('second', 'high'));
    await clock.step(60_000);
    assert.ok(isRunning(await get('second')));
    assert.equal((await podsOf('low')).filter(isRunning).length, 1);
    assert.equal((await podsOf('middle')).filter(isRunning).length, 1);
  });

  it('takes them when there are no others', async () => {
    await apply('third', podOf('third', 'high'));
    await apply('fourth', podOf('fourth', 'high'));
    await clock.step(60_000);
    for (const name of ['third', 'fourth']) assert.ok(isRunning(await get(name)), name);
    for (const app of ['low', 'middle']) {
      assert.equal((await podsOf(app)).filter(isRunning).length, 0);
    }
  });

  it('gives room to a pod that matters even more and comes in between', async () => {
    await apply('fifth', podOf('fifth', 'higher'));
    assert.ok((await get('fifth')).status?.nominatedNodeName);
    await apply('sixth', podOf('sixth', 'highest'));
    assert.ok((await get('sixth')).status?.nominatedNodeName);
    await clock.step(90_000);
    for (const name of ['fifth', 'sixth']) assert.ok(isRunning(await get(name)), name);
    const { items } = await cluster.objects.list(Pod, { labelSelector: 'kind=single' });
    const kept = items.filter(({ spec }) => spec?.priorityClassName === 'high');
    assert.equal(kept.length, 2);
  });
});

/** Two fit on a node. */
const CONTAINERS = [{ name: 'main', image: 'nginx', resources: { requests: { cpu: '4' } } }];

function podOf(name: string, priorityClassName: string): object {
  const metadata = { name, labels: { kind: 'single' } };
  const spec = { priorityClassName, containers: CONTAINERS };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec };
}

/** Of the class of the same name. */
function deployment(name: string, replicas: number): object {
  const labels = { app: name };
  const spec = { priorityClassName: name, containers: CONTAINERS };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

function isRunning({ metadata, status }: Pod): boolean {
  return status?.phase === 'Running' && !metadata.deletionTimestamp;
}
