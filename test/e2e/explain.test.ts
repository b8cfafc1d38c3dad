import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AttemptExplanation, NodeExplanation, PodExplanation } from 'kernetes/sdk';
import { Server } from '../bench/server.ts';
import { eventually } from './eventually.ts';
import { Kubectl, withoutKubectl } from './kubectl.ts';

const ROOT = join(import.meta.dirname, '../..');
const BY_RACK = join(ROOT, 'examples/scheduler-score/by-rack.ts');

/** Somebody's score plugin, in a thread of its own, with a weight in the scheduler's profile. */
const CONFIGURATION = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - plugins:
      score: { enabled: [{ name: ByRack, weight: 7 }] }
`;

/** Why pods are where they are, as people ask for it. node-2 has the rack, node-3 a taint. */
describe('kernetes explain', { timeout: 180_000, skip: withoutKubectl() }, () => {
  let folder: string;
  let server: Server;
  let kubectl: Kubectl;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kernetes-explain-'));
    const file = join(folder, 'scheduler.yaml');
    writeFileSync(file, CONFIGURATION);
    const args = ['--nodes', '4', '--plugin', BY_RACK, '--scheduler-config', file];
    server = await Server.start({ args });
    kubectl = new Kubectl(server.kubeconfig);
    await kubectl.run('label node node-2 rack=r1');
    await kubectl.run('taint node node-3 dedicated=db:NoSchedule');
    await run('near', { metadata: { labels: { rack: 'r1' } } });
    await kubectl.run('wait --for=condition=Ready pod/near');
    await run('big', { spec: containers('200') });
    await kubectl.run('wait --for=condition=PodScheduled=false pod/big');
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  /** A pod with these fields. */
  const run = (name: string, fields: object) => {
    const overrides = JSON.stringify({ apiVersion: 'v1', ...fields });
    return kubectl.program('kubectl', [
      ...['run', name, '--image=nginx', '--overrides', overrides],
    ]);
  };
  const explain = (...args: readonly string[]) =>
    kubectl.program(process.execPath, [PROGRAM, 'explain', ...args]);

  it('shows every verdict and score of a pod that was placed', async () => {
    const lines = (await explain('pod', 'default/near')).trimEnd().split('\n');
    assert.equal(lines[0], 'pod default/near of default-scheduler: scheduled');
    assert.match(lines[1] ?? '', /^attempt 1 at 20\S+Z: scheduled on node-2$/);
    const header = (lines[3] ?? '').split(/ {3,}/);
    assert.deepEqual([header[0], header.at(-1)], ['NODE', 'TOTAL']);
    for (const column of ['TaintToleration', 'NodeResourcesFit', 'ByRack*7', 'TaintToleration*3']) {
      assert.ok(header.includes(column), column);
    }
    const rows = lines.slice(4, 8).map(line => line.split(/ {3,}/));
    assert.deepEqual(
      rows.map(([node]) => node),
      ['node-2 <-', 'node-1', 'node-4', 'node-3'],
    );
    const byRack = header.indexOf('ByRack*7');
    assert.deepEqual(
      rows.map(row => row[byRack]),
      ['100>100=700', '0>0=0', '0>0=0', '-'],
    );
    assert.equal(rows[3]?.[header.indexOf('TaintToleration')], 'no');
    assert.match(lines.join('\n'), /TaintToleration: node\(s\) had untolerated taint\(s\): node-3/);
  });

  it('gives JSON that adds up, and a chosen node that has the most', async () => {
    const { attempts } = JSON.parse(await explain('pod', 'near', '-o', 'json')) as PodExplanation;
    const [attempt] = attempts as [AttemptExplanation];
    const feasible = attempt.nodes.filter(({ verdict }) => verdict === 'feasible');
    assert.deepEqual(feasible.map(({ name }) => name).sort(), ['node-1', 'node-2', 'node-4']);
    for (const node of feasible) assert.equal(node.total, sumOf(node, attempt), node.name);
    const most = Math.max(...feasible.map(({ total = 0 }) => total));
    const chosen = feasible.find(({ name }) => name === attempt.nodeName);
    assert.equal(chosen?.total, most);
  });

  it('shows why a pod waits, by plugin', async () => {
    const text = await explain('pod', 'big');
    assert.match(
      text,
      /^pod default\/big of default-scheduler: unschedulable, waits for TaintToleration, NodeResour/,
    );
    const why = '1 node(s) had untolerated taint(s), 3 Insufficient cpu.';
    assert.ok(text.includes(`\n0/4 nodes are available: ${why}`), text);
    assert.match(text, /^NodeResourcesFit: Insufficient cpu: node-1, node-2, node-4$/m);
    assert.match(text, /^TaintToleration: node\(s\) had untolerated taint\(s\): node-3$/m);
    assert.doesNotMatch(text, /TOTAL/);
  });

  it('remembers the attempts of a pod that waited', async () => {
    await run('later', { spec: { ...containers('1'), nodeSelector: { disk: 'ssd' } } });
    await kubectl.run('wait --for=condition=PodScheduled=false pod/later');
    await kubectl.run('label node node-4 disk=ssd');
    await kubectl.run('wait --for=condition=Ready pod/later');
    assert.match(
      await explain('pod', 'later'),
      /attempt 2 at \S+: scheduled on node-4 \(also remembered: 1\)/,
    );
    const first = await explain('pod', 'later', '--attempt', '1');
    assert.match(first, /attempt 1 at \S+: unschedulable/);
    assert.match(
      first,
      /^NodeAffinity: node\(s\) didn't match Pod's node affinity\/selector: node-1/m,
    );
    assert.match(
      await failureOf(explain('pod', 'later', '--attempt', '9')),
      /Cannot explain attempt 9 of pod "default\/later": remembered are 1, 2/,
    );
  });

  it('is a kind that kubectl lists and shows', async () => {
    const list = await kubectl.run('get podexplanations');
    assert.match(list, /^NAME +STATE +ATTEMPTS +NODE +WAITS FOR$/m);
    assert.match(list, /^near +scheduled +1 +node-2 +<none>$/m);
    assert.match(list, /^big +unschedulable +\d+ +<none> +TaintToleration,NodeResourcesFit$/m);
    assert.match(await kubectl.run('get why -A'), /^default +near +scheduled/m);
    const yaml = await kubectl.run('get why big -o yaml');
    assert.match(yaml, /^kind: PodExplanation$/m);
    assert.match(yaml, / {2}- name: node-1\n {4}plugin: NodeResourcesFit\n/);
  });

  it('is for those who may read it', async () => {
    const forbidden =
      /"near" is forbidden: User "alice" cannot get resource "podexplanations" in API group "scheduling.kernetes.dev" in the namespace "default"/;
    assert.match(await failureOf(kubectl.run('get why near --as=alice')), forbidden);
    const token = (await kubectl.run('create token default')).trim();
    const kubeconfig = join(folder, 'default-account');
    writeFileSync(kubeconfig, withToken(readFileSync(server.kubeconfig, 'utf8'), token));
    const asked = ['pod', 'near', '--kubeconfig', kubeconfig];
    assert.match(
      await failureOf(explain(...asked)),
      /kernetes: podexplanations\S* "near" is forbidden: User "system:serviceaccount:default:default"/,
    );
    const rule = '--verb=get --resource=podexplanations.scheduling.kernetes.dev';
    await kubectl.run(`create role explained ${rule}`);
    await kubectl.run(
      'create rolebinding explained --role=explained --serviceaccount=default:default',
    );
    const said = eventually(() => explain(...asked).catch(() => undefined));
    assert.match(await said, /^pod default\/near of default-scheduler: scheduled\n/);
  });

  it('says that a pod is not there, and forgets one that is deleted', async () => {
    assert.match(await failureOf(explain('pod', 'nobody')), /^kernetes: pods "nobody" not found$/m);
    await kubectl.run('delete pod big --now');
    assert.match(await failureOf(explain('pod', 'big')), /^kernetes: pods "big" not found$/m);
    const gone = eventually(async () => {
      const list = await kubectl.run('get why');
      return list.includes('big') ? undefined : list;
    });
    assert.match(await gone, /near/);
  });

  it('says so when no scheduler placed the pod', async () => {
    await run('placed', { spec: { nodeName: 'node-1' } });
    assert.match(
      await failureOf(explain('pod', 'placed')),
      /Cannot explain pod "default\/placed": the scheduler remembers no attempt at it/,
    );
  });
});

const PROGRAM = join(ROOT, 'dist/kernetes.js');

function containers(cpu: string): object {
  const resources = { requests: { cpu } };
  return { containers: [{ name: 'main', image: 'nginx', resources }] };
}

function sumOf({ normalized = [] }: NodeExplanation, { scores }: AttemptExplanation): number {
  assert.equal(normalized.length, scores.length);
  return scores.reduce((sum, { weight }, i) => sum + weight * (normalized[i] as number), 0);
}

/** The same server, but for who asks. */
function withToken(kubeconfig: string, token: string): string {
  const config = JSON.parse(kubeconfig) as { users: [{ user: object }] };
  config.users[0].user = { token };
  return JSON.stringify(config);
}

/** What a program wrote to standard error. */
async function failureOf(work: Promise<string>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return (error as { stderr?: string }).stderr ?? '';
  }
  return assert.fail('It did not fail');
}
