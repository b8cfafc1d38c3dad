import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Deployment, keyOf, ReplicaSet, serviceUnavailable } from 'kernetes/sdk';
import { replicaSet } from 'kernetes/sdk/testing';
import { change, condition, KEY, messages, setImage, sets, setUp } from './running-deployment.ts';

describe('controller.deployment: roll-outs', () => {
  it('keeps no old set with a revisionHistoryLimit of 0, but those that have pods', async () => {
    const { kernel, clock, settle } = await setUp({ replicas: 4, revisionHistoryLimit: 0 });
    await settle();
    setImage(kernel, 'nginx:2');
    await clock.step(50);
    assert.deepEqual(sets(kernel), { nginx: '3 r1', 'nginx:2': '1 r2' });
    await settle();
    assert.deepEqual(sets(kernel), { 'nginx:2': '4 r2' });
  });

  it('rolls over to a third template in the middle of a roll-out', async () => {
    const { kernel, clock, settle } = await setUp({ replicas: 8 });
    await settle();
    setImage(kernel, 'nginx:2');
    await clock.step(50);
    assert.deepEqual(sets(kernel), { nginx: '6 r1', 'nginx:2': '2 r2' });
    setImage(kernel, 'nginx:3');
    await clock.step(50);
    // Those of the second that do not work yet go first: the room they leave is the third's.
    const between = sets(kernel);
    assert.deepEqual([between.nginx, between['nginx:2']], ['6 r1', '0 r2']);
    assert.match(between['nginx:3'] ?? '', / r3$/);
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '0 r1', 'nginx:2': '0 r2', 'nginx:3': '8 r3' });
    assert.equal(condition(kernel, 'Progressing')?.reason, 'NewReplicaSetAvailable');
  });

  it('makes no new pods while it is not told how many an old set has since it was resized', async () => {
    const { kernel, clock, settle } = await setUp({ replicas: 4 });
    await settle();
    change(kernel, { replicas: 6 });
    await clock.step(50);
    setImage(kernel, 'nginx:2');
    await clock.step(50);
    assert.match(sets(kernel)['nginx:2'] ?? '', /^0 /);
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '0 r1', 'nginx:2': '6 r2' });
  });

  it('misses no deadline while paused, and has all of it when resumed', async () => {
    const { kernel, clock } = await setUp({ progressDeadlineSeconds: 60 });
    await clock.step(30_000);
    change(kernel, { paused: true });
    await clock.step(3_600_000);
    assert.equal(condition(kernel, 'Progressing')?.reason, 'DeploymentPaused');
    change(kernel, { paused: false });
    await clock.step(59_000);
    assert.equal(condition(kernel, 'Progressing')?.reason, 'DeploymentResumed');
    await clock.step(3_000);
    assert.equal(condition(kernel, 'Progressing')?.reason, 'ProgressDeadlineExceeded');
  });

  it('scales what it has to while it recreates', async () => {
    const { kernel, settle } = await setUp({ replicas: 2, strategy: { type: 'Recreate' } });
    await settle();
    change(kernel, { replicas: 5 });
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '5 r1' });
    setImage(kernel, 'nginx:2');
    change(kernel, { replicas: 3 });
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '0 r1', 'nginx:2': '3 r2' });
  });

  it('does not look again and again when a pod fails after the roll-out', async () => {
    const { kernel, clock, settle } = await setUp({ replicas: 2 });
    await settle();
    const [set = replicaSet('')] = kernel.all(ReplicaSet);
    kernel.modify(ReplicaSet, keyOf(set), each => {
      each.status = { replicas: 2, readyReplicas: 1, availableReplicas: 1, observedGeneration: 1 };
    });
    await clock.step(3_600_000);
    assert.equal(clock.pending, 0);
    assert.equal(condition(kernel, 'Progressing')?.reason, 'NewReplicaSetAvailable');
    assert.equal(kernel.get(Deployment, KEY)?.status?.unavailableReplicas, 1);
  });

  it('counts pods that are not made yet as unavailable', async () => {
    const { kernel, clock } = await setUp({ replicas: 3 });
    await clock.step(50);
    const { status } = kernel.get(Deployment, KEY) ?? {};
    assert.deepEqual([status?.replicas, status?.unavailableReplicas], [0, 3]);
  });

  it('tells that pods cannot be made, as its sets do', async () => {
    const { kernel, clock } = await setUp();
    const [set = replicaSet('')] = kernel.all(ReplicaSet);
    const failure = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'no',
    };
    kernel.modify(ReplicaSet, keyOf(set), each => {
      each.status = { replicas: 0, conditions: [failure] };
    });
    await clock.step(50);
    const { reason, message } = condition(kernel, 'ReplicaFailure') ?? {};
    assert.deepEqual([reason, message], ['FailedCreate', 'no']);
    kernel.modify(ReplicaSet, keyOf(set), each => {
      each.status = { replicas: 0 };
    });
    await clock.step(50);
    assert.equal(condition(kernel, 'ReplicaFailure'), undefined);
  });

  it('tells of each set that it resized, also when another cannot be', async () => {
    const { kernel, clock, settle } = await setUp({ replicas: 10 });
    await settle();
    setImage(kernel, 'nginx:2');
    await clock.step(50);
    const before = messages(kernel).length;
    const larger = kernel.all(ReplicaSet).find(({ spec }) => spec?.replicas === 8);
    assert.ok(larger);
    kernel.fault = ({ verb, name }) =>
      verb === 'patch' && name === larger.metadata.name ? serviceUnavailable('down') : undefined;
    change(kernel, { replicas: 20 });
    await clock.step(50);
    assert.equal(messages(kernel).length, before + 1);
  });
});
