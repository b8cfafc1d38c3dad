import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CronJob,
  type CronJobSpec,
  controllerReference,
  Event,
  Job,
  keyOf,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, fakeClock, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const MINUTE = 60_000;
const KEY = 'default/hello';
const FIRST_MINUTE = Date.UTC(2026, 0, 1) / MINUTE;

async function setUp(spec: Partial<CronJobSpec> = {}, status: CronJob['status'] = {}) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  kernel.add(CronJob, {
    metadata: { name: 'hello', namespace: 'default' },
    spec: {
      schedule: '* * * * *',
      concurrencyPolicy: 'Allow',
      jobTemplate: {
        metadata: { labels: { app: 'hello' }, annotations: { note: 'hi' } },
        spec: { template: { spec: { containers: [{ name: 'c', image: 'i' }] } } },
      },
      ...spec,
    },
    status,
  });
  return activate(plugin, { kernel, clock });
}

type Running = Awaited<ReturnType<typeof setUp>>;

/** Names of Jobs as minutes after the beginning. */
function starts({ kernel }: Running): number[] {
  const minutes = kernel.all(Job).map(({ metadata: { name = '' } }) => {
    return Number(name.slice('hello-'.length)) - FIRST_MINUTE;
  });
  return minutes.sort((a, b) => a - b);
}

function finish({ kernel, clock }: Running, type: 'Complete' | 'Failed', minute?: number): void {
  for (const job of kernel.all(Job)) {
    const isWanted =
      minute === undefined || job.metadata.name?.endsWith(`${FIRST_MINUTE + minute}`);
    if (!isWanted || job.status?.conditions) continue;
    kernel.modify(Job, keyOf(job), each => {
      const time = new Date(clock.now()).toISOString();
      each.status = {
        startTime: time,
        conditions: [{ type, status: 'True' }],
        ...(type === 'Complete' && { completionTime: time }),
      };
    });
  }
}

function change({ kernel }: Running, spec: Partial<CronJobSpec>): void {
  kernel.modify(CronJob, KEY, each => void Object.assign(each.spec, spec));
}

const status = ({ kernel }: Running) => kernel.get(CronJob, KEY)?.status;
const active = (running: Running) =>
  (status(running)?.active ?? []).map(({ name = '' }) => Number(name.slice(6)) - FIRST_MINUTE);
const events = ({ kernel }: Running) =>
  kernel.all(Event).map(({ reason, message }) => `${reason} ${message}`);
const reasons = ({ kernel }: Running) => kernel.all(Event).map(({ reason }) => reason);

describe('controller.cronjob', () => {
  it('makes a Job of the template each time, named by its minute', async () => {
    const running = await setUp();
    await running.clock.step(MINUTE - 1);
    assert.deepEqual(starts(running), []);
    await running.clock.step(2 * MINUTE);
    assert.deepEqual(starts(running), [1, 2]);
    const job = running.kernel.get(Job, `default/hello-${FIRST_MINUTE + 1}`);
    const cronJob = running.kernel.get(CronJob, KEY);
    assert.ok(job && cronJob);
    assert.deepEqual(job.metadata.labels, { app: 'hello' });
    assert.deepEqual(job.metadata.annotations, {
      note: 'hi',
      'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T00:01:00Z',
    });
    assert.deepEqual(job.metadata.ownerReferences, [controllerReference(CronJob, cronJob)]);
    assert.deepEqual(job.spec, cronJob.spec.jobTemplate.spec);
    assert.deepEqual(active(running), [1, 2]);
    assert.equal(status(running)?.lastScheduleTime, '2026-01-01T00:02:00Z');
    assert.ok(events(running).includes(`SuccessfulCreate Created job ${job.metadata.name}`));
  });

  it('counts in its time zone', async () => {
    const running = await setUp({ schedule: '0 9 * * *', timeZone: 'Asia/Kolkata' });
    await running.clock.step(4 * 60 * MINUTE);
    assert.deepEqual(starts(running), [210]);
    const [job] = running.kernel.all(Job);
    assert.equal(
      job?.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'],
      '2026-01-01T09:00:00+05:30',
    );
  });

  it('starts while others run, with Allow', async () => {
    const running = await setUp();
    await running.clock.step(3 * MINUTE + 200);
    assert.deepEqual(active(running), [1, 2, 3]);
  });

  it('lets starts pass while one runs, with Forbid, and says so', async () => {
    const running = await setUp({ concurrencyPolicy: 'Forbid' });
    await running.clock.step(3 * MINUTE + 200);
    assert.deepEqual(starts(running), [1]);
    assert.ok(reasons(running).includes('JobAlreadyActive'));
    finish(running, 'Complete');
    await running.clock.step(1000);
    // The last start that was let pass is made up for.
    assert.deepEqual(starts(running), [1, 3]);
  });

  it('does not make up for it when the deadline has passed', async () => {
    const running = await setUp({ concurrencyPolicy: 'Forbid', startingDeadlineSeconds: 10 });
    await running.clock.step(3 * MINUTE + 20_000);
    finish(running, 'Complete');
    await running.clock.step(1000);
    assert.deepEqual(starts(running), [1]);
    await running.clock.step(MINUTE);
    assert.deepEqual(starts(running), [1, 4]);
  });

  it('deletes the one that runs, with Replace', async () => {
    const running = await setUp({ concurrencyPolicy: 'Replace' });
    await running.clock.step(3 * MINUTE + 200);
    assert.deepEqual(starts(running), [3]);
    assert.deepEqual(active(running), [3]);
    assert.ok(events(running).includes(`SuccessfulDelete Deleted job hello-${FIRST_MINUTE + 1}`));
  });

  it('tells of the end of a Job, and when one last succeeded', async () => {
    const running = await setUp();
    await running.clock.step(MINUTE + 200);
    finish(running, 'Complete');
    await running.clock.step(0);
    assert.deepEqual(active(running), []);
    assert.equal(status(running)?.lastSuccessfulTime, '2026-01-01T00:01:00.200Z');
    const message = `SawCompletedJob Saw completed job: hello-${FIRST_MINUTE + 1}, condition: Complete`;
    assert.ok(events(running).includes(message));
  });

  it('keeps so many finished Jobs as the limits say, the newest', async () => {
    const running = await setUp({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 });
    for (const outcome of ['Complete', 'Failed', 'Complete', 'Failed', 'Complete'] as const) {
      await running.clock.step(MINUTE);
      await running.clock.step(200);
      finish(running, outcome);
    }
    await running.clock.step(1000);
    assert.deepEqual(starts(running), [3, 4, 5]);
  });

  it('keeps all without limits', async () => {
    const running = await setUp();
    for (let minute = 0; minute < 5; minute++) {
      await running.clock.step(MINUTE);
      finish(running, 'Complete');
    }
    assert.equal(starts(running).length, 4);
  });

  it('starts nothing while suspended, and makes up for the last start afterwards', async () => {
    const running = await setUp({ suspend: true });
    await running.clock.step(5 * MINUTE);
    assert.deepEqual(starts(running), []);
    change(running, { suspend: false });
    await running.clock.step(0);
    assert.deepEqual(starts(running), [5]);
  });

  it('makes up only for the last of the starts that nobody made', async () => {
    const running = await setUp({}, { lastScheduleTime: '2025-12-31T23:30:00Z' });
    assert.deepEqual(starts(running), [0]);
    assert.equal(reasons(running).includes('TooManyMissedTimes'), false);
  });

  it('says so when more than 100 were missed, and goes on', async () => {
    const running = await setUp({}, { lastScheduleTime: '2025-01-01T00:00:00Z' });
    assert.deepEqual(starts(running), [0]);
    assert.ok(reasons(running).includes('TooManyMissedTimes'));
  });

  it('with a deadline counts only what was missed within it', async () => {
    const running = await setUp(
      { startingDeadlineSeconds: 200 },
      { lastScheduleTime: '2025-01-01T00:00:00Z' },
    );
    assert.deepEqual(starts(running), [0]);
    assert.equal(reasons(running).includes('TooManyMissedTimes'), false);
  });

  it('finds the last start of a schedule with gaps', async () => {
    const running = await setUp(
      { schedule: '0,1 12 * * *' },
      { lastScheduleTime: '2025-12-01T12:01:00Z' },
    );
    assert.deepEqual(starts(running), [-719]);
  });

  it('tells of a schedule and of a zone that it cannot read', async () => {
    const running = await setUp({ schedule: 'nope' });
    assert.deepEqual(events(running), [
      'UnparseableSchedule unparseable schedule: "nope" : Expected exactly 5 fields, found 1: nope',
    ]);
    change(running, { schedule: '* * * * *', timeZone: 'Mars/Base' });
    await running.clock.step(MINUTE + 200);
    assert.ok(reasons(running).includes('UnknownTimeZone'));
    assert.deepEqual(starts(running), []);
  });

  it('does not start twice when it crashed before it told of the start', async () => {
    const running = await setUp();
    const { kernel, clock } = running;
    kernel.fault = ({ subresource }) =>
      subresource === 'status' ? serviceUnavailable('gone') : undefined;
    await clock.step(MINUTE + 200);
    await running.dispose();
    assert.deepEqual([starts(running), active(running)], [[1], []]);
    kernel.fault = () => undefined;
    await activate(plugin, { kernel, clock });
    assert.deepEqual([starts(running), active(running)], [[1], [1]]);
    assert.equal(reasons(running).includes('UnexpectedJob'), false);
  });

  it('counts a Job whose start it did not tell of before a crash as one that runs', async () => {
    const running = await setUp({ concurrencyPolicy: 'Forbid' });
    const { kernel, clock } = running;
    kernel.fault = ({ subresource }) =>
      subresource === 'status' ? serviceUnavailable('gone') : undefined;
    await clock.step(MINUTE + 200);
    await running.dispose();
    kernel.fault = () => undefined;
    await clock.step(MINUTE);
    await activate(plugin, { kernel, clock });
    await clock.step(200);
    assert.deepEqual([starts(running), active(running)], [[1], [1]]);
    assert.equal(status(running)?.lastScheduleTime, '2026-01-01T00:01:00Z');
  });

  it('does not start again what has ended and was deleted before it told of the start', async () => {
    const running = await setUp({ successfulJobsHistoryLimit: 0 });
    const { kernel, clock } = running;
    kernel.fault = ({ subresource }) =>
      subresource === 'status' ? serviceUnavailable('gone') : undefined;
    await clock.step(MINUTE + 200);
    await running.dispose();
    finish(running, 'Complete');
    kernel.fault = () => undefined;
    await activate(plugin, { kernel, clock });
    await clock.step(10_000);
    assert.deepEqual(starts(running), []);
    assert.equal(status(running)?.lastScheduleTime, '2026-01-01T00:01:00Z');
  });

  describe('with @every', () => {
    const EVERY = { schedule: '@every 1h' };
    const HOUR = 60 * MINUTE;

    it('counts from the last start, or from its creation', async () => {
      const running = await setUp(EVERY);
      await running.clock.step(2 * HOUR + 200);
      assert.deepEqual(starts(running), [60, 120]);
    });

    it('is not late after a restart', async () => {
      const running = await setUp(EVERY);
      const { kernel, clock } = running;
      await clock.step(HOUR / 2);
      await running.dispose();
      await activate(plugin, { kernel, clock });
      await clock.step(HOUR / 2 + 200);
      assert.deepEqual(starts(running), [60]);
    });

    it('makes up for the last start that was missed, at its own time', async () => {
      const running = await setUp(EVERY, { lastScheduleTime: '2025-12-31T18:20:00Z' });
      assert.deepEqual(starts(running), [-40]);
      await running.clock.step(HOUR);
      assert.deepEqual(starts(running), [-40, 20]);
    });

    it('starts within a deadline that is shorter than the interval, and not after it', async () => {
      const running = await setUp({ ...EVERY, startingDeadlineSeconds: 60 });
      const { kernel, clock } = running;
      await clock.step(HOUR + 200);
      assert.deepEqual(starts(running), [60]);
      await running.dispose();
      await clock.step(HOUR + 2 * MINUTE);
      await activate(plugin, { kernel, clock });
      assert.deepEqual(starts(running), [60]);
      await clock.step(58 * MINUTE);
      assert.deepEqual(starts(running), [60, 180]);
    });
  });

  it('after being suspended makes up only for what the deadline allows', async () => {
    const running = await setUp({
      schedule: '0 * * * *',
      suspend: true,
      startingDeadlineSeconds: 60,
    });
    await running.clock.step(62 * MINUTE);
    change(running, { suspend: false });
    await running.clock.step(200);
    assert.deepEqual([starts(running), reasons(running)], [[], []]);
    await running.clock.step(58 * MINUTE);
    assert.deepEqual(starts(running), [120]);
  });

  it('gives a start up when its deadline has passed', async () => {
    const running = await setUp({ startingDeadlineSeconds: 10 });
    const { kernel, clock } = running;
    let isDown = true;
    kernel.fault = ({ resource, verb }) =>
      isDown && resource === 'jobs' && verb === 'create' ? serviceUnavailable('down') : undefined;
    await clock.step(MINUTE + 10_050);
    isDown = false;
    assert.deepEqual(starts(running), []);
    await clock.step(20_000);
    assert.deepEqual(starts(running), []);
  });

  it('takes a finished Job that never began for the youngest', async () => {
    const running = await setUp({ failedJobsHistoryLimit: 1 });
    await running.clock.step(2 * MINUTE + 200);
    finish(running, 'Failed');
    running.kernel.modify(Job, `default/hello-${FIRST_MINUTE + 1}`, each => {
      delete each.status?.startTime;
    });
    await running.clock.step(200);
    assert.deepEqual(starts(running), [1]);
  });

  it('does not start twice when its copy lags', async () => {
    const running = await setUp();
    const release = running.kernel.holdWatches();
    await running.clock.step(MINUTE + 30_000);
    assert.deepEqual(starts(running), [1]);
    release();
    await running.clock.step(1000);
    assert.deepEqual([starts(running), active(running)], [[1], [1]]);
  });

  it('says why a Job cannot be made, and tries again', async () => {
    const running = await setUp();
    let refusals = 2;
    running.kernel.fault = ({ resource, verb }) =>
      resource === 'jobs' && verb === 'create' && refusals-- > 0
        ? serviceUnavailable('not now')
        : undefined;
    await running.clock.step(MINUTE + 1000);
    assert.ok(events(running).includes('FailedCreate Error creating job: not now'));
    assert.deepEqual(starts(running), [1]);
  });

  it('forgets a Job that somebody deleted', async () => {
    const running = await setUp({ concurrencyPolicy: 'Forbid' });
    await running.clock.step(MINUTE + 200);
    const name = `hello-${FIRST_MINUTE + 1}`;
    await running.kernel.objects.delete(Job, { namespace: 'default', name });
    await running.clock.step(0);
    assert.deepEqual(active(running), []);
    assert.ok(events(running).includes(`MissingJob Active job went missing: ${name}`));
    await running.clock.step(MINUTE);
    assert.deepEqual(starts(running), [2]);
  });

  it('warns of a Job that it controls and did not make', async () => {
    const running = await setUp({ suspend: true });
    const cronJob = running.kernel.get(CronJob, KEY);
    assert.ok(cronJob);
    running.kernel.add(Job, {
      metadata: {
        name: 'by-hand',
        namespace: 'default',
        ownerReferences: [controllerReference(CronJob, cronJob)],
      },
    });
    await running.clock.step(0);
    assert.deepEqual(reasons(running), ['UnexpectedJob']);
  });

  it('does nothing between starts', async () => {
    const running = await setUp({ schedule: '0 0 1 1 *' });
    running.kernel.requests.length = 0;
    await running.clock.step(100 * 24 * 60 * MINUTE);
    assert.deepEqual(running.kernel.requests, []);
  });
});
