import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  controllerReference,
  Deployment,
  Event,
  forbidden,
  keyOf,
  Pod,
  ReplicaSet,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, deployment, pod, replicaSet, running, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import {
  change,
  condition,
  KEY,
  messages,
  REVISION,
  setImage,
  sets,
  settle,
  setUp,
} from './running-deployment.ts';

describe('controller.deployment', () => {
  it('makes a ReplicaSet from the template, named and labelled with its hash', async () => {
    const { kernel } = await setUp({ replicas: 3, minReadySeconds: 5 });
    const [set] = kernel.all(ReplicaSet);
    assert.ok(set);
    const hash = set.metadata.labels?.['pod-template-hash'];
    const labels = { app: 'web', 'pod-template-hash': hash };
    assert.equal(set.metadata.name, `web-${hash}`);
    assert.deepEqual(set.metadata.labels, labels);
    assert.deepEqual(set.spec?.selector, { matchLabels: labels });
    assert.deepEqual(set.spec?.template?.metadata?.labels, labels);
    assert.deepEqual([set.spec?.replicas, set.spec?.minReadySeconds], [3, 5]);
    assert.deepEqual(set.metadata.annotations, {
      [REVISION]: '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    const stored = kernel.get(Deployment, KEY);
    assert.equal(stored?.metadata.annotations?.[REVISION], '1');
    assert.deepEqual(messages(kernel), ['Scaled up replica set web-x from 0 to 3']);
    assert.equal(condition(kernel, 'Progressing')?.reason, 'NewReplicaSetCreated');
    assert.equal(condition(kernel, 'Available')?.reason, 'MinimumReplicasUnavailable');
  });

  it('tells the end of a roll-out in the status', async () => {
    const { kernel, settle } = await setUp({ replicas: 3 });
    await settle();
    const { conditions, ...status } = kernel.get(Deployment, KEY)?.status ?? {};
    assert.deepEqual(status, {
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      unavailableReplicas: 0,
      terminatingReplicas: 0,
    });
    assert.equal(conditions?.length, 2);
    assert.equal(condition(kernel, 'Available')?.status, 'True');
    const progressing = condition(kernel, 'Progressing');
    assert.equal(progressing?.reason, 'NewReplicaSetAvailable');
    assert.match(
      progressing?.message ?? '',
      /^ReplicaSet "web-\w+" has successfully progressed\.$/,
    );
  });

  it('rolls to a new template, numbers it, and keeps the old set empty', async () => {
    const { kernel, settle } = await setUp({ replicas: 4 });
    await settle();
    setImage(kernel, 'nginx:2');
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '0 r1', 'nginx:2': '4 r2' });
    assert.equal(kernel.get(Deployment, KEY)?.metadata.annotations?.[REVISION], '2');
    assert.ok(messages(kernel).includes('Scaled down replica set web-x from 4 to 3'));
  });

  it('takes the old set up again when a template comes back', async () => {
    const { kernel, settle } = await setUp({ replicas: 2 });
    await settle();
    setImage(kernel, 'nginx:2');
    await settle();
    setImage(kernel, 'nginx');
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '2 r3', 'nginx:2': '0 r2' });
    const set = kernel.all(ReplicaSet).find(({ spec }) => spec?.replicas === 2);
    const history = set?.metadata.annotations?.['deployment.kubernetes.io/revision-history'];
    assert.equal(history, '1');
  });

  it('copies annotations that concern the revision, the change-cause among them', async () => {
    const { kernel, clock } = await setUp();
    kernel.modify(Deployment, KEY, ({ metadata }) => {
      metadata.annotations = {
        ...metadata.annotations,
        'kubernetes.io/change-cause': 'because',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
      };
    });
    await clock.step(20);
    const { annotations } = kernel.all(ReplicaSet)[0]?.metadata ?? {};
    assert.equal(annotations?.['kubernetes.io/change-cause'], 'because');
    assert.equal(annotations?.['kubectl.kubernetes.io/last-applied-configuration'], undefined);
  });

  it('keeps revisionHistoryLimit old sets, the newest', async () => {
    const { kernel, settle } = await setUp({ revisionHistoryLimit: 1 });
    for (const image of ['a', 'b', 'c']) {
      await settle();
      setImage(kernel, image);
    }
    await settle();
    assert.deepEqual(sets(kernel), { b: '0 r3', c: '1 r4' });
  });

  it('does not roll out while paused, but scales; and goes on when resumed', async () => {
    const { kernel, settle } = await setUp({ replicas: 2 });
    await settle();
    change(kernel, { paused: true });
    await settle();
    assert.equal(condition(kernel, 'Progressing')?.reason, 'DeploymentPaused');
    setImage(kernel, 'nginx:2');
    change(kernel, { replicas: 3 });
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '3 r1' });
    change(kernel, { paused: false });
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '0 r1', 'nginx:2': '3 r2' });
    assert.equal(condition(kernel, 'Progressing')?.reason, 'NewReplicaSetAvailable');
  });

  it('scales in the middle of a roll-out in proportion, then goes on', async () => {
    const { kernel, clock, settle } = await setUp({ replicas: 10 });
    await settle();
    setImage(kernel, 'nginx:2');
    await clock.step(50);
    assert.deepEqual(sets(kernel), { nginx: '8 r1', 'nginx:2': '3 r2' });
    change(kernel, { replicas: 20 });
    await clock.step(20);
    // 25 in all, shared as 8 to 3 of the 13 that there could have been; the larger takes the rest.
    const scaled = messages(kernel).filter(each => /from (8|3) to/.test(each));
    assert.deepEqual(scaled, [
      'Scaled up replica set web-x from 3 to 6',
      'Scaled up replica set web-x from 8 to 19',
    ]);
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '0 r1', 'nginx:2': '20 r2' });
  });

  it('tells a missed deadline, and that it was made after all', async () => {
    const { kernel, clock, settle } = await setUp({ progressDeadlineSeconds: 60 });
    await clock.step(60_999);
    assert.equal(condition(kernel, 'Progressing')?.reason, 'NewReplicaSetCreated');
    await clock.step(1);
    const progressing = condition(kernel, 'Progressing');
    assert.deepEqual(
      [progressing?.status, progressing?.reason],
      ['False', 'ProgressDeadlineExceeded'],
    );
    assert.match(progressing?.message ?? '', /has timed out progressing\.$/);
    await settle();
    assert.equal(condition(kernel, 'Progressing')?.reason, 'NewReplicaSetAvailable');
    assert.equal(clock.pending, 0);
  });

  it('says ReplicaSetUpdated while it goes on', async () => {
    const { kernel, clock } = await setUp({ replicas: 2 });
    const [set] = kernel.all(ReplicaSet);
    kernel.modify(ReplicaSet, keyOf(set ?? replicaSet('')), each => {
      each.status = { replicas: 2, readyReplicas: 1, availableReplicas: 1, observedGeneration: 1 };
    });
    await clock.step(20);
    assert.equal(condition(kernel, 'Progressing')?.reason, 'ReplicaSetUpdated');
  });

  it('recreates: no new pod before the last old one has ended', async () => {
    const { kernel, clock, settle } = await setUp({ replicas: 2, strategy: { type: 'Recreate' } });
    await settle();
    const [old] = kernel.all(ReplicaSet);
    assert.ok(old);
    const ownerReferences = [controllerReference(ReplicaSet, old)];
    const terminating = pod('old', {
      metadata: { ownerReferences, finalizers: ['example.com/slow'] },
      status: running(),
    });
    kernel.add(Pod, terminating);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'old' });
    setImage(kernel, 'nginx:2');
    await settle();
    assert.deepEqual(sets(kernel), { nginx: '0 r1' });
    kernel.modify(Pod, 'default/old', ({ metadata }) => {
      metadata.finalizers = [];
    });
    await clock.step(50);
    assert.deepEqual(sets(kernel), { nginx: '0 r1', 'nginx:2': '2 r2' });
    await settle();
    assert.equal(condition(kernel, 'Progressing')?.reason, 'NewReplicaSetAvailable');
  });

  it('uses another hash when the name is taken by a stranger', async () => {
    const first = await setUp();
    const [{ metadata } = replicaSet('')] = first.kernel.all(ReplicaSet);
    const kernel = new TestKernel();
    const labels = { app: 'web', 'pod-template-hash': 'other' };
    kernel.add(
      ReplicaSet,
      replicaSet(
        metadata.name ?? '',
        { replicas: 0 },
        {
          labels,
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Other', name: 'x', uid: 'x', controller: true },
          ],
        },
      ),
    );
    const { clock } = await setUp({}, kernel);
    await clock.step(1_000);
    assert.equal(kernel.get(Deployment, KEY)?.status?.collisionCount, 1);
    assert.equal(kernel.all(ReplicaSet).length, 2);
  });

  it('tells why the new set cannot be made', async () => {
    const kernel = new TestKernel();
    kernel.fault = request =>
      request.verb === 'create' && request.resource === 'replicasets'
        ? forbidden(request, '', 'quota')
        : undefined;
    const { clock } = await setUp({}, kernel);
    await clock.step(20);
    assert.equal(condition(kernel, 'Progressing')?.reason, 'ReplicaSetCreateError');
    const [event] = kernel.all(Event);
    assert.equal(event?.reason, 'ReplicaSetCreateError');
    assert.match(event?.message ?? '', /^Failed to create new replica set "web-\w+": .*quota$/);
    kernel.fault = () => undefined;
    await clock.step(60_000);
    assert.equal(kernel.all(ReplicaSet).length, 1);
  });

  const rollbacks: {
    readonly name: string;
    readonly to: string;
    readonly image: string;
    readonly event: string;
  }[] = [
    {
      name: 'to a revision',
      to: '2',
      image: 'one',
      event: 'DeploymentRollback Rolled back deployment "web" to revision 2',
    },
    {
      name: 'to the last one',
      to: '0',
      image: 'two',
      event: 'DeploymentRollback Rolled back deployment "web" to revision 3',
    },
    {
      name: 'not to the same template',
      to: '4',
      image: 'three',
      event:
        'DeploymentRollbackTemplateUnchanged The rollback revision contains the same template ' +
        'as current deployment "web"',
    },
    {
      name: 'not to a revision that there is not',
      to: '7',
      image: 'three',
      event: 'DeploymentRollbackRevisionNotFound Unable to find the revision to rollback to.',
    },
  ];
  for (const { name, to, image, event } of rollbacks) {
    it(`rolls back ${name} when an old client's annotation asks for it`, async () => {
      const { kernel, settle } = await setUp();
      for (const each of ['one', 'two', 'three']) {
        setImage(kernel, each);
        await settle();
      }
      kernel.modify(Deployment, KEY, d => {
        const annotations = { ...d.metadata.annotations, 'deprecated.deployment.rollback.to': to };
        d.metadata.annotations = annotations;
      });
      await settle();
      const { spec, metadata } = kernel.get(Deployment, KEY) ?? {};
      assert.equal(spec?.template.spec?.containers[0]?.image, image);
      assert.equal(metadata?.annotations?.['deprecated.deployment.rollback.to'], undefined);
      const told = kernel.all(Event).map(({ reason, message }) => `${reason} ${message}`);
      assert.ok(told.includes(event), told.join('\n'));
    });
  }

  it('adopts a ReplicaSet with its template instead of making one', async () => {
    const kernel = new TestKernel();
    const { selector, template } = deployment('web').spec ?? {};
    assert.ok(selector && template);
    const labels = { app: 'web' };
    kernel.add(ReplicaSet, replicaSet('made-by-hand', { selector, template }, { labels }));
    const { settle } = await setUp({}, kernel);
    await settle();
    assert.deepEqual(
      kernel.all(ReplicaSet).map(({ metadata }) => metadata.ownerReferences?.length),
      [1],
    );
  });

  for (const lost of ['create', 'patch', 'update'] as const) {
    it(`goes on where a crash before a ${lost} stopped it, without duplicates`, async () => {
      const kernel = new TestKernel();
      const first = await setUp({ replicas: 4 }, kernel);
      await first.settle();
      let count = 0;
      kernel.fault = request =>
        request.verb === lost && ++count > 0 ? serviceUnavailable('crashed') : undefined;
      setImage(kernel, 'nginx:2');
      await first.clock.step(20);
      await first.dispose();
      assert.ok(count > 0);
      kernel.fault = () => undefined;
      const second = await activate(plugin, { kernel });
      await settle(kernel, second.clock);
      assert.deepEqual(sets(kernel), { nginx: '0 r1', 'nginx:2': '4 r2' });
      assert.equal(condition(kernel, 'Progressing')?.reason, 'NewReplicaSetAvailable');
    });
  }

  it('does nothing when all is as it should be', async () => {
    const { kernel, clock, settle } = await setUp({ replicas: 2 });
    await settle();
    kernel.requests.length = 0;
    await clock.step(3_600_000);
    assert.deepEqual(kernel.requests, []);
  });
});
