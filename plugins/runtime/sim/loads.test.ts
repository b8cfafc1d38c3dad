import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pod } from 'kernetes/sdk';
import { pod, running, testContext } from 'kernetes/sdk/testing';
import { Sharers } from './loads.ts';

describe('Sharers ready', () => {
  const { kernel, context, clock } = testContext();
  const sharers = new Sharers(context.informer(Pod, { namespace: 'default' }));
  const ready = async () => {
    await clock.step(0);
    return [...sharers.ready.keys()];
  };

  it('are the pods that are Ready, at each time', async () => {
    assert.deepEqual(await ready(), []);
    const status = running();
    const a = pod('a', { metadata: { uid: 'a' }, status });
    kernel.add(Pod, a);
    kernel.add(Pod, pod('b', { metadata: { uid: 'b' }, status: { phase: 'Pending' } }));
    assert.deepEqual(await ready(), ['a']);
    assert.equal(sharers.ready, sharers.ready, 'nothing has changed');
    const conditions = [{ type: 'Ready', status: 'False' }];
    await context.objects.updateStatus(Pod, { ...a, status: { ...status, conditions } });
    assert.deepEqual(await ready(), []);
  });

  it('are less when one is deleted', async () => {
    kernel.add(Pod, pod('c', { metadata: { uid: 'c' }, status: running() }));
    assert.deepEqual(await ready(), ['c']);
    await context.objects.delete(Pod, { namespace: 'default', name: 'c' });
    assert.deepEqual(await ready(), []);
  });

  it('are none when it is closed', () => {
    sharers.close();
    assert.deepEqual([...sharers.ready.keys()], []);
  });
});
