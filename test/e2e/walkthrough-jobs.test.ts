import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import { Job, Namespace, type Pod } from 'kernetes/sdk';
import { fakeClock, seededRandom } from 'kernetes/sdk/testing';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { lines, PodStory } from './pod-story.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const MANIFESTS = join(import.meta.dirname, '../testdata/manifests');
const CRON_JOB = `${MANIFESTS}/cronjob-hello.yaml`;
const MINUTE_MS = 60_000;

/** What a server is like, and the versions in which it takes a CronJob. */
const SERVERS = [
  { emulate: '1.20', versions: ['batch/v1beta1'] },
  { emulate: undefined, versions: ['batch/v1beta1', 'batch/v1'] },
] as const;

describe('Jobs and CronJobs', { timeout: 120_000, skip: withoutKubectl() }, () => {
  for (const { emulate, versions } of SERVERS) {
    describe(`on ${emulate ?? 'the newest'}`, () => {
      const clock = fakeClock(wholeMinute());
      let folder: string;
      let cluster: Cluster;
      let kubectl: Kubectl;

      before(async () => {
        folder = await mkdtemp(join(tmpdir(), 'walkthrough-'));
        const options = { nodes: 2, clock, random: seededRandom() };
        ({ cluster, kubectl } = await startCluster({ ...options, ...(emulate && { emulate }) }));
        await clock.step(1_000);
      });
      after(async () => {
        await cluster?.close();
        await rm(folder, { recursive: true, force: true });
      });

      it('test-job runs a pod for a minute, and is complete with it', async () => {
        const story = new PodStory(cluster.objects, { namespace: 'default' });
        const said = await kubectl.run(`apply -f ${MANIFESTS}/job-sleep.yaml`);
        assert.equal(said, 'job.batch/test-job created\n');
        const jobRow = () => kubectl.run('get job --no-headers');
        const podRow = () => kubectl.run('get pod -l jobType=sleep --no-headers');
        await clock.step(30_000);
        assert.deepEqual(lines(story.take(), jobOf), ['+test-job', 'test-job ready']);
        assert.match(await jobRow(), /^test-job +(Running +)?0\/1 +30s /);
        assert.match(await podRow(), /^test-job-\w{5} +1\/1 +Running +0 /);
        await clock.step(60_000);
        assert.deepEqual(lines(story.take(), jobOf), ['test-job unready']);
        assert.match(await jobRow(), /^test-job +(Complete +)?1\/1 +60s /);
        assert.match(await podRow(), /^test-job-\w{5} +0\/1 +Completed +0 /);
        story.stop();
      });

      for (const [index, version] of versions.entries()) {
        it(`hello in ${version} makes a Job each minute and keeps three`, async () => {
          const namespace = `hello-${index}`;
          await cluster.objects.create(Namespace, { metadata: { name: namespace } });
          await clock.step(1_000);
          const story = new PodStory(cluster.objects, { namespace });
          const file = join(folder, `${namespace}.yaml`);
          const text = await readFile(CRON_JOB, 'utf8');
          await writeFile(file, text.replace('batch/v1beta1', version));
          const inNamespace = (command: string) => kubectl.run(`-n ${namespace} ${command}`);
          assert.equal(await inNamespace(`apply -f ${file}`), 'cronjob.batch/hello created\n');
          const made: string[] = [];
          for (let minute = 0; minute < 5; minute++) {
            await clock.step(MINUTE_MS);
            const name = `hello-${Math.floor(clock.now() / MINUTE_MS)}`;
            assert.deepEqual(lines(story.take(), jobOf).slice(0, 1), [`+${name}`]);
            made.push(name);
            const kept = (await inNamespace('get jobs --no-headers')).trim().split('\n');
            const wanted = made.slice(-3);
            assert.deepEqual(
              kept.map(row => row.split(' ', 1)[0]),
              wanted,
            );
            for (const row of kept) assert.match(row, / 1\/1 +\d+s /);
          }
          const row = await inNamespace('get cronjob --no-headers');
          assert.match(row, /^hello +\*\/1 \* \* \* \* +(<none> +)?False +0 +\d+s +5m/);
          assert.match(
            await inNamespace('get cronjob -o wide --no-headers'),
            / hello +busybox +<none>$/m,
          );
          story.stop();
        });
      }

      // A kubectl of today makes Jobs of CronJobs in v1 only.
      it('a Job is made of a CronJob by hand', { skip: emulate !== undefined }, async () => {
        const said = await kubectl.run('create job by-hand --from=cronjob/hello -n hello-0');
        assert.equal(said, 'job.batch/by-hand created\n');
        await clock.step(5_000);
        const at = { namespace: 'hello-0', name: 'by-hand' };
        const { metadata, status } = await cluster.objects.get(Job, at);
        assert.equal(status?.succeeded, 1);
        assert.equal(metadata.annotations?.['cronjob.kubernetes.io/instantiate'], 'manual');
        assert.equal(metadata.ownerReferences?.[0]?.name, 'hello');
      });
    });
  }
});

/** The Job that a pod is of. */
function jobOf({ metadata }: Pod): string {
  return metadata.ownerReferences?.[0]?.name ?? '';
}
