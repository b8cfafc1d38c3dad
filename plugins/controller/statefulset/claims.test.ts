import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  controllerReference,
  forbidden,
  keyOf,
  type OwnerReference,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
  type StatefulSetSpec,
} from 'kernetes/sdk';
import { activate, pod, running, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import {
  changeSpec,
  claimTemplate,
  eventsOf,
  podNames,
  settle,
  setUp,
  templateWith,
  webSet,
} from './running-set.ts';

function claimed(spec: Partial<StatefulSetSpec> = {}): StatefulSet {
  return webSet({ replicas: 2, volumeClaimTemplates: [claimTemplate('www')], ...spec });
}

function policy(whenDeleted: string, whenScaled: string): Partial<StatefulSetSpec> {
  return { persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } };
}

/** `www-web-0: StatefulSet web`. */
function owners(kernel: TestKernel): string[] {
  return kernel.all(PersistentVolumeClaim).map(({ metadata }) => {
    const names = (metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind} ${name}`);
    return `${metadata.name}: ${names.join(', ') || 'nobody'}`;
  });
}

function setOwner(kernel: TestKernel, name: string, ...references: OwnerReference[]): void {
  kernel.modify(PersistentVolumeClaim, `default/${name}`, ({ metadata }) => {
    metadata.ownerReferences = references;
  });
}

/** A pod that goes slowly, so that it can be looked at. */
function slowDown(kernel: TestKernel, name: string): void {
  kernel.modify(Pod, `default/${name}`, ({ metadata }) => {
    metadata.finalizers = ['example.com/slow'];
  });
}

const FOREIGN: OwnerReference = {
  apiVersion: 'example.com/v1',
  kind: 'Database',
  name: 'db',
  uid: 'u',
  controller: true,
};

describe('controller.statefulset, claims', () => {
  it('are made before the pod, labelled by template and selector, and are its volumes', async () => {
    const template = templateWith('nginx:1');
    const volumes = [
      { name: 'www', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ];
    const spec = { ...template.spec, containers: template.spec?.containers ?? [], volumes };
    const { kernel } = await setUp(claimed({ template: { ...template, spec } }));
    const [claim] = kernel.all(PersistentVolumeClaim);
    assert.equal(claim?.metadata.name, 'www-web-0');
    assert.deepEqual(claim?.metadata.labels, { tier: 'db', app: 'web' });
    assert.deepEqual(claim?.spec, { accessModes: ['ReadWriteOnce'] });
    assert.deepEqual(kernel.all(Pod)[0]?.spec?.volumes, [
      { name: 'www', persistentVolumeClaim: { claimName: 'www-web-0' } },
      { name: 'tmp', emptyDir: {} },
    ]);
    const creates = kernel.requests.filter(({ verb }) => verb === 'create');
    const resources = creates.map(({ resource }) => resource).filter(each => each !== 'events');
    assert.deepEqual(resources, ['controllerrevisions', 'persistentvolumeclaims', 'pods']);
    assert.ok(
      eventsOf(kernel).includes(
        'SuccessfulCreate create Claim www-web-0 Pod web-0 in StatefulSet web success',
      ),
    );
  });

  it('stay when the set is scaled down, and are taken again', async () => {
    const test = await setUp(claimed());
    const { kernel } = test;
    await settle(test);
    const uids = () => kernel.all(PersistentVolumeClaim).map(({ metadata }) => metadata.uid);
    const before = uids();
    changeSpec(kernel, { replicas: 0 });
    await settle(test);
    assert.deepEqual(
      [podNames(kernel), owners(kernel)],
      [[], ['www-web-0: nobody', 'www-web-1: nobody']],
    );
    changeSpec(kernel, { replicas: 2 });
    await settle(test);
    assert.deepEqual([podNames(kernel), uids()], [['web-0', 'web-1'], before]);
  });

  for (const { deleted, scaled, staying, condemned } of [
    { deleted: 'Retain', scaled: 'Retain', staying: 'nobody', condemned: 'nobody' },
    {
      deleted: 'Delete',
      scaled: 'Retain',
      staying: 'StatefulSet web',
      condemned: 'StatefulSet web',
    },
    { deleted: 'Retain', scaled: 'Delete', staying: 'nobody', condemned: 'Pod web-1' },
    { deleted: 'Delete', scaled: 'Delete', staying: 'StatefulSet web', condemned: 'Pod web-1' },
  ]) {
    it(`have the owners of whenDeleted ${deleted}, whenScaled ${scaled}`, async () => {
      const test = await setUp(claimed(policy(deleted, scaled)));
      const { kernel } = test;
      await settle(test);
      assert.deepEqual(owners(kernel), [`www-web-0: ${staying}`, `www-web-1: ${staying}`]);
      slowDown(kernel, 'web-1');
      changeSpec(kernel, { replicas: 1 });
      await settle(test);
      assert.deepEqual(owners(kernel), [`www-web-0: ${staying}`, `www-web-1: ${condemned}`]);
    });

    it(`get the owners of whenDeleted ${deleted}, whenScaled ${scaled} later, too`, async () => {
      const test = await setUp(claimed());
      await settle(test);
      changeSpec(test.kernel, policy(deleted, scaled));
      await settle(test);
      assert.deepEqual(owners(test.kernel), [`www-web-0: ${staying}`, `www-web-1: ${staying}`]);
      changeSpec(test.kernel, policy('Retain', 'Retain'));
      await settle(test);
      assert.deepEqual(owners(test.kernel), ['www-web-0: nobody', 'www-web-1: nobody']);
    });
  }

  it('of a pod that was scaled away must go before there is one of its name again', async () => {
    const test = await setUp(claimed(policy('Retain', 'Delete')));
    const { kernel } = test;
    await settle(test);
    changeSpec(kernel, { replicas: 1 });
    await settle(test);
    changeSpec(kernel, { replicas: 2 });
    await settle(test);
    assert.deepEqual(podNames(kernel), ['web-0']);
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'www-web-1' });
    await settle(test);
    assert.deepEqual(
      [podNames(kernel), owners(kernel)],
      [
        ['web-0', 'web-1'],
        ['www-web-0: nobody', 'www-web-1: nobody'],
      ],
    );
  });

  it('that others manage are left to them, with a warning', async () => {
    const test = await setUp(claimed(policy('Delete', 'Delete')));
    const { kernel, set } = test;
    await settle(test);
    setOwner(kernel, 'www-web-0', FOREIGN, {
      ...controllerReference(StatefulSet, set),
      controller: false,
    });
    await settle(test);
    assert.equal(owners(kernel)[0], 'www-web-0: Database db');
    const warning = eventsOf(kernel).find(event => event.startsWith('ConflictingController'));
    assert.match(warning ?? '', /PersistentVolumeClaim www-web-0 has a conflicting OwnerReference/);
  });

  it('of an earlier set of the name are not touched', async () => {
    const test = await setUp(claimed(policy('Delete', 'Delete')));
    const { kernel, set } = test;
    await settle(test);
    setOwner(kernel, 'www-web-0', { ...controllerReference(StatefulSet, set), uid: 'earlier' });
    kernel.requests.length = 0;
    await settle(test);
    const patches = kernel.requests.filter(({ resource }) => resource === 'persistentvolumeclaims');
    assert.deepEqual(patches, []);
  });

  it('are made anew for a pod that waits for one', async () => {
    const test = await setUp(claimed({ replicas: 1 }));
    const { kernel, step } = test;
    const [waiting] = kernel.all(Pod);
    kernel.modify(Pod, keyOf(waiting as Pod), object => {
      object.status = { phase: 'Pending' };
    });
    await step();
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'www-web-0' });
    await step();
    assert.deepEqual(owners(kernel), ['www-web-0: nobody']);
  });

  it('are made for a pod that was adopted without, and become its volumes', async () => {
    const volumes = [{ name: 'tmp', emptyDir: {} }];
    const orphan = pod('web-0', {
      metadata: { labels: { app: 'web' }, ownerReferences: [] },
      spec: { containers: [], volumes },
      status: running(),
    });
    // Not of the set's revision either: a rolling update would replace it at once.
    const spec = { replicas: 1, updateStrategy: { type: 'OnDelete' } };
    const { kernel, step } = await setUp(claimed(spec), orphan);
    await step();
    assert.deepEqual(kernel.get(Pod, 'default/web-0')?.spec?.volumes, [
      { name: 'www', persistentVolumeClaim: { claimName: 'www-web-0' } },
      ...volumes,
    ]);
    assert.deepEqual(owners(kernel), ['www-web-0: nobody']);
  });

  it('that are refused or on their way out keep the pod from being made', async () => {
    const kernel = new TestKernel();
    kernel.add(
      StatefulSet,
      claimed({ volumeClaimTemplates: [claimTemplate('www'), claimTemplate('log')] }),
    );
    const metadata = { name: 'log-web-0', namespace: 'default', finalizers: ['a/b'] };
    kernel.add(PersistentVolumeClaim, { metadata });
    await kernel.objects.delete(PersistentVolumeClaim, { namespace: 'default', name: 'log-web-0' });
    kernel.fault = request =>
      request.resource === 'persistentvolumeclaims' && request.verb === 'create'
        ? forbidden(request, 'www-web-0', 'exceeded quota')
        : undefined;
    const { clock } = await activate(plugin, { kernel });
    assert.deepEqual(podNames(kernel), []);
    const refusal = 'persistentvolumeclaims "www-web-0" is forbidden: exceeded quota';
    const said = eventsOf(kernel).filter(event => event.startsWith('FailedCreate'));
    assert.deepEqual(said.sort(), [
      `FailedCreate create Claim www-web-0 for Pod web-0 in StatefulSet web failed error: ${refusal}`,
      `FailedCreate create Pod web-0 in StatefulSet web failed error: [pvc log-web-0 is being deleted, failed to create PVC www-web-0: ${refusal}]`,
    ]);
    kernel.fault = () => undefined;
    kernel.modify(PersistentVolumeClaim, 'default/log-web-0', object => {
      delete object.metadata.finalizers;
    });
    await clock.step(60_000);
    assert.deepEqual(podNames(kernel), ['web-0']);
  });
});
