import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import type { FakeClock } from 'kernetes/sdk/testing';
import { parseAllDocuments } from 'yaml';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { startSchedulingNodes } from './scheduling-nodes.ts';

const MANIFEST = join(import.meta.dirname, '../testdata/manifests/scheduling.yaml');

/** The ways to choose nodes, one Deployment after the other on empty nodes. */
describe('A Deployment that chooses its nodes', {
  timeout: 120_000,
  skip: withoutKubectl(),
}, () => {
  let cluster: Cluster;
  let clock: FakeClock;
  let kubectl: Kubectl;
  let folder: string;

  before(async () => {
    ({ cluster, clock, kubectl } = await startSchedulingNodes());
    folder = await mkdtemp(join(tmpdir(), 'kernetes-scheduling-'));
    for (const document of parseAllDocuments(await readFile(MANIFEST, 'utf8'))) {
      const name = document.getIn(['metadata', 'name']);
      await writeFile(join(folder, `${name}.yaml`), String(document));
    }
  });
  after(async () => {
    await cluster?.close();
    await rm(folder, { recursive: true });
  });

  const apply = async (...names: string[]) => {
    for (const name of names) await kubectl.run(`apply -f ${join(folder, `${name}.yaml`)}`);
    await clock.step(10_000);
  };
  const remove = async (...names: string[]) => {
    for (const name of names) await kubectl.run(`delete deployment ${name} --wait=false`);
    await clock.step(60_000);
  };
  /** The last digits of the nodes of pods with a label, as `kubectl get pods -o wide` tells. */
  const nodesOf = async (selector: string) => {
    const rows = await kubectl.run(`get pods -l ${selector} -o wide --no-headers`);
    return rows
      .trim()
      .split('\n')
      .map(row => row.split(/ +/))
      .map(cells => [cells[2], cells[6]?.slice(-2)].join(' '))
      .sort();
  };
  const running = (...nodes: number[]) => nodes.map(node => `Running ${node}`);
  const countOn = (rows: readonly string[], node: number) =>
    rows.filter(row => row === `Running ${node}`).length;

  const certain: [name: string, node: number][] = [
    ['node-name', 56],
    ['node-selector', 54],
    ['required-1', 56],
  ];
  for (const [name, node] of certain) {
    it(`has all of its pods there (${name})`, async () => {
      await apply(name);
      assert.deepEqual(await nodesOf(`case=${name}`), running(...Array<number>(5).fill(node)));
      await remove(name);
    });
  }

  it('waits where no node is as it wants it, and is told why (required-2)', async () => {
    await apply('required-2');
    assert.deepEqual(await nodesOf('case=required-2'), Array(5).fill('Pending e>'));
    const told = await kubectl.run('describe pods -l case=required-2');
    const why =
      "0/6 nodes are available: 3 node(s) didn't match Pod's node affinity/selector, 3 node(s) had untolerated taint(s).";
    const more = 'preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.';
    assert.match(told, /Warning +FailedScheduling .* default-scheduler/);
    assert.ok(told.includes(`${why} ${more}`), told);
    await remove('required-2');
  });

  it('is spread where no node is as it would like it (preferred-3)', async () => {
    await apply('preferred-3');
    const rows = await nodesOf('case=preferred-3');
    for (const node of [54, 55, 56]) assert.ok(countOn(rows, node) > 0, rows.join());
    assert.equal(rows.filter(row => row.startsWith('Running')).length, 5);
    await remove('preferred-3');
  });

  it('has most of its pods on the node that it likes (preferred-4)', async () => {
    await apply('preferred-4');
    const rows = await nodesOf('case=preferred-4');
    assert.ok(countOn(rows, 56) >= 3, rows.join());
    assert.equal(rows.filter(row => row.startsWith('Running')).length, 5);
    await remove('preferred-4');
  });

  it('has its pods where certain others are, by a label of nodes (pod-affinity-hard)', async () => {
    await kubectl.run('label node centos-7-55 cpu=slow');
    await apply('required-1');
    await kubectl.run('scale deployment required-1 --replicas=1');
    await apply('pod-affinity-hard');
    const rows = await nodesOf('case=slb');
    assert.equal(countOn(rows, 54) + countOn(rows, 56), 5, rows.join());
    assert.ok(countOn(rows, 54) > 0 && countOn(rows, 56) > 0, rows.join());
    await remove('pod-affinity-hard');
  });

  it('has most of its pods where others are that it likes (pod-affinity-soft)', async () => {
    await kubectl.run('label node centos-7-54 cpu=slow --overwrite');
    await apply('pod-affinity-soft');
    const rows = await nodesOf('case=slb-soft');
    assert.ok(countOn(rows, 56) >= 3, rows.join());
    assert.equal(rows.filter(row => row.startsWith('Running')).length, 5);
    await remove('pod-affinity-soft', 'required-1');
  });

  it('has a node for itself by a label and a taint that it tolerates (prometheus)', async () => {
    await kubectl.run('label node centos-7-56 prometheus=true');
    await kubectl.run('taint node centos-7-56 monitor=true:NoSchedule');
    await apply('prometheus', 'preferred-3');
    assert.deepEqual(await nodesOf('app=prometheus'), running(56));
    const rows = await nodesOf('case=preferred-3');
    assert.equal(countOn(rows, 54) + countOn(rows, 55), 5, rows.join());
  });
});
