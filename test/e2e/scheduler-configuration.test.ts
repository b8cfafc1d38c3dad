import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createCluster } from 'kernetes';
import { Pod, type PodSpec } from 'kernetes/sdk';
import { type FakeClock, fakeClock, pod, seededRandom } from 'kernetes/sdk/testing';
import { until } from './eventually.ts';
import { withoutKubectl } from './kubectl.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const TWO_PROFILES = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - schedulerName: default-scheduler
  - schedulerName: packing
    plugins:
      score: { disabled: [{ name: NodeResourcesBalancedAllocation }] }
    pluginConfig:
      - name: NodeResourcesFit
        args:
          scoringStrategy: { type: MostAllocated, resources: [{ name: cpu, weight: 1 }] }
`;

const POLICY = `
apiVersion: v1
kind: Policy
predicates:
  - { name: PodFitsHostPorts }
  - { name: PodFitsResources }
  - { name: CheckNodeDiskPressure }
  - name: HasRack
    argument: { labelsPresence: { labels: [rack], presence: true } }
priorities:
  - { name: LeastRequestedPriority, weight: 1 }
`;

/** Files of kube-scheduler, in use. The nodes have 8 CPUs each. */
describe('The scheduler with a file', { timeout: 120_000, skip: withoutKubectl() }, () => {
  const endings: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const end of endings.reverse()) await end();
  });

  async function fileOf(text: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'kernetes-scheduler-'));
    endings.push(() => rm(folder, { recursive: true }));
    const file = join(folder, 'file.yaml');
    await writeFile(file, text);
    return file;
  }

  async function start(text: string) {
    const clock = fakeClock(wholeMinute());
    const schedulerConfigFile = await fileOf(text);
    const random = seededRandom();
    const started = await startCluster({ nodes: 4, clock, random, schedulerConfigFile });
    endings.push(() => started.cluster.close());
    await clock.step(20_000);
    const { kubectl, cluster } = started;
    const apply = async (...pods: Pod[]) => {
      const list = { apiVersion: 'v1', kind: 'List', items: pods };
      await kubectl.run(`apply -f ${await fileOf(JSON.stringify(list))}`);
      await clock.step(5_000);
    };
    const places = async () => {
      const { items } = await cluster.objects.list(Pod, { namespace: 'default' });
      return new Map(items.map(({ metadata, spec }) => [metadata.name, spec?.nodeName]));
    };
    return { kubectl, clock: clock as FakeClock, apply, places };
  }

  it('places pods of two profiles in two ways', async () => {
    const { apply, places } = await start(TWO_PROFILES);
    for (const name of ['packed-1', 'packed-2', 'packed-3']) {
      await apply(asking(name, { schedulerName: 'packing' }));
    }
    for (const name of ['spread-1', 'spread-2', 'spread-3']) await apply(asking(name, {}));
    const at = await places();
    const packed = ['packed-1', 'packed-2', 'packed-3'].map(name => at.get(name));
    const spread = ['spread-1', 'spread-2', 'spread-3'].map(name => at.get(name));
    assert.equal(new Set(packed).size, 1);
    assert.equal(new Set([...packed, ...spread]).size, 4);
  });

  it('goes by the predicates and priorities of a policy', async () => {
    const { kubectl, clock, apply, places } = await start(POLICY);
    const port = { containerPort: 80, hostPort: 8080 };
    const containers = [{ name: 'c', image: 'i', ports: [port] }];
    await apply(asking('first', { containers }), asking('second', { containers }));
    assert.match(
      await kubectl.run('describe pod first'),
      /0\/4 nodes are available: 4 node\(s\) didn't have the requested labels\./,
    );
    await kubectl.run('label node node-2 rack=r1');
    await clock.step(5_000);
    const taken = [...(await places()).values()];
    assert.deepEqual(
      taken.filter(node => node !== undefined),
      ['node-2'],
    );
    const waiting = taken[0] ? 'second' : 'first';
    assert.match(
      await kubectl.run(`describe pod ${waiting}`),
      /1 node\(s\) didn't have free ports for the requested pod ports, 3 node\(s\) didn't have the/,
    );
    await kubectl.run('label node node-3 rack=r2');
    await clock.step(5_000);
    assert.deepEqual([...(await places()).values()].sort(), ['node-2', 'node-3']);
  });

  it('asks the extenders of a file', async () => {
    const server = createServer((request, response) => {
      request
        .setEncoding('utf8')
        .toArray()
        .then(parts => {
          const { nodenames } = JSON.parse(parts.join('')) as { nodenames: string[] };
          const failed = nodenames.filter(name => name !== 'node-3').map(name => [name, 'too far']);
          const failedNodes = Object.fromEntries(failed);
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ nodenames: ['node-3'], failedNodes }));
        });
    });
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
    endings.push(async () => server.close());
    const { port } = server.address() as AddressInfo;
    const extender =
      `{ urlPrefix: 'http://127.0.0.1:${port}', filterVerb: filter, nodeCacheCapable: true, ` +
      'httpTimeout: 20s }';
    const { apply, clock, places } = await start(`${TWO_PROFILES}extenders: [${extender}]\n`);
    await apply(asking('far', {}));
    await until(async () => {
      await clock.step(100);
      return (await places()).get('far') !== undefined;
    });
    assert.equal((await places()).get('far'), 'node-3');
  });

  it('holds pods with gates back, and says so', async () => {
    const { kubectl, clock, apply, places } = await start(TWO_PROFILES);
    await apply(asking('gated', { schedulingGates: [{ name: 'example.com/wait' }] }));
    assert.match(await kubectl.run('get pod gated'), /SchedulingGated/);
    const jsonPath = 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}';
    assert.equal(await kubectl.run(`get pod gated -o ${jsonPath}`), 'SchedulingGated');
    await kubectl.run(
      'patch pod gated --type=json -p [{"op":"remove","path":"/spec/schedulingGates"}]',
    );
    await clock.step(5_000);
    assert.match((await places()).get('gated') ?? '', /^node-/);
  });

  it('does not start with a file that is wrong', async () => {
    const schedulerConfigFile = await fileOf(`${TWO_PROFILES}parallelism: 0\n`);
    await assert.rejects(createCluster({ nodes: 0, schedulerConfigFile }), {
      message:
        'plugin/scheduler.framework: Cannot use the scheduler configuration: ' +
        'parallelism: Invalid value: 0: should be an integer value greater than zero',
    });
    const missing = join(tmpdir(), 'there-is-no-such-file.yaml');
    await assert.rejects(createCluster({ nodes: 0, schedulerConfigFile: missing }), {
      message: new RegExp(`^Cannot read the scheduler configuration ${missing}: ENOENT`),
    });
  });
});

function asking(name: string, spec: Partial<PodSpec>): Pod {
  const resources = { requests: { cpu: '1', memory: '1Gi' } };
  return pod(name, { spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec } });
}
