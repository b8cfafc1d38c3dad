import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Event,
  Pod,
  type PodResourceClaim,
  ResourceClaim,
  type ResourceClaimStatus,
  ResourceClaimTemplate,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { CLAIM_FINALIZER, POD_CLAIM_ANNOTATION } from './pod-claims.ts';

const devices = { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] };
const GPU: PodResourceClaim = { name: 'gpu', resourceClaimTemplateName: 'one-gpu' };
const SHARED: PodResourceClaim = { name: 'shared', resourceClaimName: 'shared' };

function podWith(resourceClaims: PodResourceClaim[], rest: Partial<Pod> = {}): Pod {
  const { spec, metadata, ...others } = rest;
  return pod('web', {
    ...others,
    metadata: { uid: 'web-uid', ...metadata },
    spec: { containers: [{ name: 'main' }], resourceClaims, ...spec },
  } as Partial<Pod>);
}

const allocated = (...uids: string[]): ResourceClaimStatus => ({
  allocation: { devices: { results: [] } },
  reservedFor: uids.map(uid => ({ resource: 'pods', name: uid.replace('-uid', ''), uid })),
});
const shared = (status: ResourceClaimStatus): ResourceClaim => ({
  metadata: { name: 'shared', namespace: 'default', finalizers: [CLAIM_FINALIZER] },
  spec: { devices },
  status,
});

async function setUp(kernel = new TestKernel()) {
  if (kernel.all(ResourceClaimTemplate).length === 0) {
    const metadata = { labels: { a: 'b' }, annotations: { c: 'd' } };
    kernel.add(ResourceClaimTemplate, {
      metadata: { name: 'one-gpu', namespace: 'default' },
      spec: { metadata, spec: { devices } },
    });
  }
  const { clock, dispose } = await activate(plugin, { kernel });
  const claims = () => kernel.all(ResourceClaim);
  const told = () => kernel.all(Event).map(({ reason, message }) => `${reason}: ${message}`);
  const noted = () => kernel.get(Pod, 'default/web')?.status?.resourceClaimStatuses;
  const claim = (name: string) => kernel.get(ResourceClaim, `default/${name}`);
  return { kernel, clock, dispose, claims, told, noted, claim };
}

describe('claims of templates', () => {
  it('are made for the pod, which owns them and notes their names', async () => {
    const { kernel, clock, claims, noted } = await setUp();
    kernel.add(Pod, podWith([GPU, SHARED]));
    await clock.step(0);
    const [made, ...more] = claims();
    assert.deepEqual(more, []);
    assert.match(made?.metadata.name ?? '', /^web-gpu-/);
    assert.deepEqual(made?.spec, { devices });
    assert.deepEqual(made?.metadata.labels, { a: 'b' });
    assert.deepEqual(made?.metadata.annotations, { c: 'd', [POD_CLAIM_ANNOTATION]: 'gpu' });
    const [owner] = made?.metadata.ownerReferences ?? [];
    assert.deepEqual([owner?.kind, owner?.uid, owner?.controller], ['Pod', 'web-uid', true]);
    assert.deepEqual(noted(), [{ name: 'gpu', resourceClaimName: made?.metadata.name }]);
  });

  it('have names that both names can be told from, however long they are', async () => {
    const { kernel, clock, claims } = await setUp();
    const long = podWith([{ ...GPU, name: 'g'.repeat(60) }]);
    long.metadata.name = 'w'.repeat(60);
    kernel.add(Pod, long);
    await clock.step(0);
    assert.match(claims()[0]?.metadata.name ?? '', /^w{28}-g{28}/);
  });

  it('are made again when they go before the pod', async () => {
    const { kernel, clock, claims, noted } = await setUp();
    kernel.add(Pod, podWith([GPU]));
    await clock.step(0);
    const name = claims()[0]?.metadata.name ?? '';
    await kernel.objects.delete(ResourceClaim, { namespace: 'default', name });
    await clock.step(0);
    assert.equal(claims().length, 1);
    assert.equal(noted()?.[0]?.resourceClaimName, claims()[0]?.metadata.name);
  });

  it('are made once, though the name could not be noted at first', async () => {
    const { kernel, clock, claims, noted } = await setUp();
    kernel.holdWatches({ resource: 'resourceclaims' });
    kernel.fault = ({ verb, resource }) =>
      verb === 'patch' && resource === 'pods' ? serviceUnavailable('down') : undefined;
    kernel.add(Pod, podWith([GPU]));
    await clock.step(0);
    kernel.fault = () => undefined;
    await clock.step(1_000);
    assert.equal(claims().length, 1);
    assert.equal(noted()?.length, 1);
  });

  it('are found after a restart, and not made twice', async () => {
    const kernel = new TestKernel();
    const first = await setUp(kernel);
    kernel.fault = ({ verb, resource }) =>
      verb === 'patch' && resource === 'pods' ? serviceUnavailable('down') : undefined;
    kernel.add(Pod, podWith([GPU]));
    await first.clock.step(0);
    await first.dispose();
    kernel.fault = () => undefined;
    const { claims, noted, clock } = await setUp(kernel);
    await clock.step(0);
    assert.equal(claims().length, 1);
    assert.equal(noted()?.length, 1);
  });

  it('wait for their template, and the pod is told', async () => {
    const { kernel, clock, claims, told } = await setUp();
    const template = kernel.get(ResourceClaimTemplate, 'default/one-gpu');
    await kernel.objects.delete(ResourceClaimTemplate, { namespace: 'default', name: 'one-gpu' });
    kernel.add(Pod, podWith([GPU]));
    await clock.step(0);
    const why = 'resourceclaimtemplate.resource.k8s.io "one-gpu" not found';
    assert.deepEqual(told(), [
      `FailedResourceClaimCreation: PodResourceClaim gpu: resource claim template "one-gpu": ${why}`,
    ]);
    kernel.add(ResourceClaimTemplate, template as ResourceClaimTemplate);
    await clock.step(1_000);
    assert.equal(claims().length, 1);
  });

  it('are not made for a pod that is being deleted, or for one that needs none', async () => {
    const { kernel, clock, claims } = await setUp();
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    kernel.add(Pod, podWith([GPU], { metadata: { deletionTimestamp, finalizers: ['x'] } }));
    const other = podWith([GPU], { status: { resourceClaimStatuses: [{ name: 'gpu' }] } });
    kernel.add(Pod, { ...other, metadata: { name: 'other', namespace: 'default' } });
    await clock.step(0);
    assert.deepEqual(claims(), []);
  });

  it('are deleted when the pod has ended', async () => {
    const { kernel, clock, claims } = await setUp();
    kernel.add(Pod, podWith([GPU]));
    await clock.step(0);
    assert.equal(claims().length, 1);
    kernel.modify(Pod, 'default/web', object => {
      object.status = { ...object.status, phase: 'Succeeded' };
    });
    await clock.step(0);
    assert.deepEqual(claims(), []);
  });
});

describe('what a claim is reserved for', () => {
  const cases: { title: string; pod?: Pod; reserved: string[]; want: string[] }[] = [
    {
      title: 'stays as long as the pod may run',
      pod: podWith([SHARED]),
      reserved: ['web-uid'],
      want: ['web-uid'],
    },
    { title: 'goes with a pod that is gone', reserved: ['web-uid'], want: [] },
    {
      title: 'goes with a pod that has ended',
      pod: podWith([SHARED], { status: { phase: 'Failed' } }),
      reserved: ['web-uid'],
      want: [],
    },
    {
      title: 'goes with a pod that was replaced, while another stays',
      pod: podWith([SHARED]),
      reserved: ['web-uid', 'old-uid'],
      want: ['web-uid'],
    },
    {
      title: 'goes with a pod that was deleted before it had a node',
      pod: podWith([SHARED], {
        metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] },
      }),
      reserved: ['web-uid'],
      want: [],
    },
  ];
  for (const { title, pod: user, reserved, want } of cases) {
    it(title, async () => {
      const kernel = new TestKernel();
      if (user) kernel.add(Pod, user);
      kernel.add(ResourceClaim, shared(allocated(...reserved)));
      const { clock, claim } = await setUp(kernel);
      await clock.step(0);
      const { status, metadata } = claim('shared') as ResourceClaim;
      assert.deepEqual(
        status?.reservedFor?.map(({ uid }) => uid),
        want,
      );
      const isFree = want.length === 0;
      assert.equal(status?.allocation === undefined, isFree);
      assert.deepEqual(metadata.finalizers ?? [], isFree ? [] : [CLAIM_FINALIZER]);
    });
  }

  it('is looked up where the pod is not seen yet', async () => {
    const kernel = new TestKernel();
    const { clock, claim } = await setUp(kernel);
    kernel.holdWatches({ resource: 'pods' });
    kernel.add(Pod, podWith([SHARED]));
    kernel.add(ResourceClaim, shared(allocated('web-uid')));
    await clock.step(0);
    assert.equal(claim('shared')?.status?.reservedFor?.length, 1);
  });

  it('does not lose a pod that the scheduler added meanwhile', async () => {
    const { kernel, clock, claim } = await setUp();
    kernel.add(Pod, podWith([SHARED]));
    kernel.add(ResourceClaim, shared(allocated('gone-uid')));
    kernel.modify(ResourceClaim, 'default/shared', object => {
      object.status = allocated('gone-uid', 'web-uid');
    });
    await clock.step(10_000);
    assert.deepEqual(
      claim('shared')?.status?.reservedFor?.map(({ uid }) => uid),
      ['web-uid'],
    );
  });

  it('is complete for a pod that was given its node by somebody else', async () => {
    const { kernel, clock, claim } = await setUp();
    kernel.add(ResourceClaim, shared(allocated()));
    kernel.add(Pod, podWith([SHARED], { spec: { nodeName: 'n1' } as Pod['spec'] as never }));
    await clock.step(0);
    assert.deepEqual(claim('shared')?.status?.reservedFor, [
      { resource: 'pods', name: 'web', uid: 'web-uid' },
    ]);
  });
});

describe('a claim that is being deleted', () => {
  it('gives its devices back once nobody uses them', async () => {
    const { kernel, clock, claim } = await setUp();
    kernel.add(Pod, podWith([SHARED]));
    kernel.add(ResourceClaim, shared(allocated('web-uid')));
    await kernel.objects.delete(ResourceClaim, { namespace: 'default', name: 'shared' });
    await clock.step(0);
    assert.ok(claim('shared')?.status?.allocation);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'web' });
    await clock.step(0);
    assert.equal(claim('shared'), undefined);
  });

  it('goes at once when it was never used', async () => {
    const { kernel, clock, claim } = await setUp();
    kernel.add(ResourceClaim, shared({}));
    await kernel.objects.delete(ResourceClaim, { namespace: 'default', name: 'shared' });
    await clock.step(0);
    assert.equal(claim('shared'), undefined);
  });
});
