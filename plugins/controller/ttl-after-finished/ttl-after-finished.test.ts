import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Job, type JobCondition, serviceUnavailable, toTime } from 'kernetes/sdk';
import { activate, fakeClock, TestKernel } from 'kernetes/sdk/testing';
import { msUntilExpiry } from './expiry.ts';
import plugin from './plugin.ts';

const KEY = { namespace: 'default', name: 'once' };

interface Parts {
  readonly ttl?: number;
  readonly conditions?: readonly JobCondition[];
  readonly deleted?: boolean;
}

function job({ ttl, conditions = [], deleted = false }: Parts): Job {
  return {
    metadata: { ...KEY, ...(deleted && { deletionTimestamp: ended(0) }) },
    spec: { template: {}, ...(ttl !== undefined && { ttlSecondsAfterFinished: ttl }) },
    status: { conditions: [...conditions] },
  };
}

function ended(afterMs: number): string {
  return toTime(fakeClock().now() + afterMs);
}

const condition = (type: string, status = 'True'): JobCondition => ({
  ...{ type, status },
  lastTransitionTime: ended(0),
});
const COMPLETE = condition('Complete');

const cases: { name: string; job: Job; wait: number | undefined }[] = [
  {
    name: 'a complete one after the time',
    job: job({ ttl: 5, conditions: [COMPLETE] }),
    wait: 4000,
  },
  {
    name: 'a failed one after the time',
    job: job({ ttl: 5, conditions: [condition('Failed')] }),
    wait: 4000,
  },
  { name: 'one with 0 seconds at once', job: job({ ttl: 0, conditions: [COMPLETE] }), wait: -1000 },
  { name: 'none without the field', job: job({ conditions: [COMPLETE] }), wait: undefined },
  { name: 'none that still runs', job: job({ ttl: 0 }), wait: undefined },
  {
    name: 'none that has only decided how to end',
    job: job({ ttl: 0, conditions: [condition('FailureTarget'), condition('Complete', 'False')] }),
    wait: undefined,
  },
  {
    name: 'none that is deleted',
    job: job({ ttl: 0, conditions: [COMPLETE], deleted: true }),
    wait: undefined,
  },
];

describe('msUntilExpiry()', () => {
  for (const { name, job, wait } of cases) {
    it(`lets go ${name}`, () => {
      assert.equal(msUntilExpiry(job, fakeClock().now() + 1000), wait);
    });
  }

  it('refuses to guess when a Job finished', () => {
    const timeless = job({ ttl: 1, conditions: [{ type: 'Complete', status: 'True' }] });
    assert.throws(() => msUntilExpiry(timeless, 0), /Job "default\/once".*Complete has no time/);
  });
});

describe('controller.ttl-after-finished', () => {
  const setUp = async (parts: Parts) => {
    const kernel = new TestKernel();
    kernel.add(Job, job(parts));
    const running = await activate(plugin, { kernel });
    kernel.requests.length = 0;
    return running;
  };

  it('deletes in the foreground, when the time has come and not before', async () => {
    const { kernel, clock } = await setUp({ ttl: 100, conditions: [COMPLETE] });
    await clock.step(99_999);
    assert.equal(kernel.requests.length, 0);
    await clock.step(1);
    const [read, deletion] = kernel.requests;
    assert.deepEqual([kernel.requests.length, read?.verb, deletion?.verb], [2, 'get', 'delete']);
    const body = deletion?.body as { propagationPolicy: string };
    assert.equal(body.propagationPolicy, 'Foreground');
    assert.ok(kernel.get(Job, 'default/once')?.metadata.deletionTimestamp);
    await clock.step(1_000_000);
    assert.equal(kernel.requests.length, 2);
  });

  it('waits from when the Job finishes', async () => {
    const { kernel, clock } = await setUp({ ttl: 10 });
    await clock.step(60_000);
    kernel.modify(Job, 'default/once', each => {
      const time = toTime(clock.now());
      each.status = { conditions: [{ ...COMPLETE, lastTransitionTime: time }] };
    });
    await clock.step(9_000);
    assert.equal(kernel.get(Job, 'default/once')?.metadata.deletionTimestamp, undefined);
    await clock.step(1_000);
    assert.ok(kernel.get(Job, 'default/once')?.metadata.deletionTimestamp);
  });

  it('leaves a Job that got more time, though its copy does not know', async () => {
    const { kernel, clock } = await setUp({ ttl: 10, conditions: [COMPLETE] });
    const release = kernel.holdWatches();
    kernel.modify(Job, 'default/once', each => {
      each.spec = { template: {}, ttlSecondsAfterFinished: 1_000 };
    });
    await clock.step(20_000);
    release();
    await clock.step(900_000);
    assert.equal(kernel.get(Job, 'default/once')?.metadata.deletionTimestamp, undefined);
    await clock.step(100_000);
    assert.ok(kernel.get(Job, 'default/once')?.metadata.deletionTimestamp);
  });

  it('does not delete another Job of the name, nor mind one that is gone', async () => {
    const { kernel, clock } = await setUp({ ttl: 10, conditions: [COMPLETE] });
    const release = kernel.holdWatches();
    await kernel.objects.delete(Job, KEY);
    await clock.step(20_000);
    kernel.add(Job, job({}));
    await clock.step(20_000);
    release();
    await clock.step(20_000);
    assert.equal(kernel.get(Job, 'default/once')?.metadata.deletionTimestamp, undefined);
    assert.deepEqual(kernel.logs, []);
  });

  it('tries again when the deletion fails', async () => {
    const { kernel, clock, dispose } = await setUp({ ttl: 10, conditions: [COMPLETE] });
    await dispose();
    let tries = 0;
    kernel.fault = ({ verb }) =>
      verb === 'delete' && ++tries < 3 ? serviceUnavailable('no') : undefined;
    const again = await activate(plugin, { kernel });
    await again.clock.step(10_000 + 1_000);
    assert.equal(tries, 3);
    assert.equal(clock.pending, 0);
    assert.ok(kernel.get(Job, 'default/once')?.metadata.deletionTimestamp);
  });
});
