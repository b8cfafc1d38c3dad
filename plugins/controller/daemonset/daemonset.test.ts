import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ControllerRevision,
  controllerOf,
  controllerReference,
  DaemonSet,
  type DaemonSetSpec,
  Event,
  forbidden,
  keyOf,
  Node,
  Pod,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, node, pod, running, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const KEY = 'default/proxy';
const LABELS = { app: 'proxy' };
const HASH = 'controller-revision-hash';

function daemonSet(spec: Partial<DaemonSetSpec> = {}): DaemonSet {
  return {
    metadata: {
      name: 'proxy',
      namespace: 'default',
      annotations: { 'deprecated.daemonset.template.generation': '1' },
    },
    spec: { selector: { matchLabels: LABELS }, template: template('v1'), ...spec },
  };
}

function template(image: string) {
  return { metadata: { labels: LABELS }, spec: { containers: [{ name: 'main', image }] } };
}

async function setUp(spec: Partial<DaemonSetSpec> = {}, nodes = ['a', 'b', 'c']) {
  const kernel = new TestKernel();
  kernel.add(Node, ...nodes.map(name => node(name)));
  kernel.add(DaemonSet, daemonSet(spec));
  return activate(plugin, { kernel });
}

type SetUp = Awaited<ReturnType<typeof setUp>>;

/** The node that each pod is on or waits for, sorted. */
function places(kernel: TestKernel): string[] {
  return kernel.all(Pod).map(nodeOf).sort();
}

function nodeOf({ spec }: Pod): string {
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const [term] = required?.nodeSelectorTerms ?? [];
  return spec?.nodeName ?? term?.matchFields?.[0]?.values?.[0] ?? '';
}

function podOn(kernel: TestKernel, name: string): Pod {
  const found = kernel.all(Pod).find(each => nodeOf(each) === name);
  assert.ok(found, `no pod on ${name}`);
  return found;
}

/** As scheduler and kubelet would. */
function runAll(kernel: TestKernel, since?: string): void {
  for (const each of kernel.all(Pod)) {
    if (each.status?.phase) continue;
    kernel.modify(Pod, keyOf(each), p => {
      p.spec = { containers: [], ...p.spec, nodeName: nodeOf(p) };
      p.status = running(since ? { since } : {});
    });
  }
}

function setImage(kernel: TestKernel, image: string): void {
  kernel.modify(DaemonSet, KEY, set => {
    set.spec = { selector: { matchLabels: LABELS }, ...set.spec, template: template(image) };
  });
}

function images(kernel: TestKernel): string[] {
  return kernel
    .all(Pod)
    .map(each => `${nodeOf(each)} ${each.spec?.containers[0]?.image}`)
    .sort();
}

function statusOf(kernel: TestKernel) {
  return kernel.get(DaemonSet, KEY)?.status;
}

function events(kernel: TestKernel, reason: string): (string | undefined)[] {
  return kernel
    .all(Event)
    .filter(each => each.reason === reason)
    .map(({ message }) => message);
}

function writes(kernel: TestKernel, resource: string, verb: string): number {
  return kernel.requests.filter(r => r.resource === resource && r.verb === verb).length;
}

function setTaint(kernel: TestKernel, name: string, key: string, effect: string): void {
  kernel.modify(Node, name, each => {
    each.spec = { ...each.spec, taints: [{ key, effect }] };
  });
}

async function settle({ kernel, clock }: SetUp, rounds = 10): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    runAll(kernel);
    await clock.step(100);
  }
}

describe('controller.daemonset', () => {
  it('makes a pod for every node, bound to it by affinity, with labels and tolerations', async () => {
    const { kernel } = await setUp();
    assert.deepEqual(places(kernel), ['a', 'b', 'c']);
    const set = kernel.get(DaemonSet, KEY);
    assert.ok(set);
    const [revision] = kernel.all(ControllerRevision);
    const hash = revision?.metadata.labels?.[HASH];
    for (const each of kernel.all(Pod)) {
      assert.match(each.metadata.name ?? '', /^proxy-[a-z0-9]{5}$/);
      assert.deepEqual(each.metadata.labels, {
        ...LABELS,
        [HASH]: hash,
        'pod-template-generation': '1',
      });
      assert.deepEqual(each.metadata.ownerReferences, [controllerReference(DaemonSet, set)]);
      assert.equal(each.spec?.nodeName, undefined);
      assert.equal(each.spec?.tolerations?.length, 6);
    }
    assert.equal(events(kernel, 'SuccessfulCreate').length, 3);
  });

  it("replaces the template's own required terms and keeps its preferences", async () => {
    const preferred = [{ weight: 1, preference: { matchExpressions: [] } }];
    const terms = [
      { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['b'] }] },
    ];
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
        preferredDuringSchedulingIgnoredDuringExecution: preferred,
      },
    };
    const base = template('v1');
    const { kernel } = await setUp({ template: { ...base, spec: { ...base.spec, affinity } } });
    const [only, ...others] = kernel.all(Pod);
    assert.equal(others.length, 0);
    const requirement = { key: 'metadata.name', operator: 'In', values: ['b'] };
    assert.deepEqual(only?.spec?.affinity?.nodeAffinity, {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [requirement] }],
      },
      preferredDuringSchedulingIgnoredDuringExecution: preferred,
    });
  });

  it('tells in the status how many nodes want, have and miss a pod', async () => {
    const { kernel, clock } = await setUp();
    await clock.step(100);
    const base = { desiredNumberScheduled: 3, currentNumberScheduled: 3, numberMisscheduled: 0 };
    assert.deepEqual(statusOf(kernel), {
      ...{ ...base, numberReady: 0, updatedNumberScheduled: 3, numberUnavailable: 3 },
      observedGeneration: 1,
    });
    runAll(kernel);
    await clock.step(100);
    assert.deepEqual(statusOf(kernel), {
      ...{ ...base, numberReady: 3, updatedNumberScheduled: 3, numberAvailable: 3 },
      observedGeneration: 1,
    });
    setTaint(kernel, 'a', 'x', 'NoSchedule');
    await clock.step(100);
    assert.equal(statusOf(kernel)?.desiredNumberScheduled, 2);
    assert.equal(statusOf(kernel)?.numberMisscheduled, 1);
    assert.equal(kernel.all(Pod).length, 3);
  });

  it('counts a pod as available after minReadySeconds, without being told', async () => {
    const { kernel, clock } = await setUp({ minReadySeconds: 10 });
    runAll(kernel, new Date(clock.now()).toISOString());
    await clock.step(9_999);
    assert.equal(statusOf(kernel)?.numberAvailable, undefined);
    assert.equal(statusOf(kernel)?.numberReady, 3);
    await clock.step(1);
    assert.equal(statusOf(kernel)?.numberAvailable, 3);
  });

  it('follows nodes that join, leave, are tainted and cordoned', async () => {
    const test = await setUp();
    const { kernel } = test;
    kernel.add(Node, node('d'));
    await settle(test);
    assert.deepEqual(places(kernel), ['a', 'b', 'c', 'd']);
    setTaint(kernel, 'd', 'node.kubernetes.io/unschedulable', 'NoSchedule');
    await settle(test);
    assert.deepEqual(places(kernel), ['a', 'b', 'c', 'd']);
    setTaint(kernel, 'd', 'maintenance', 'NoExecute');
    await settle(test);
    assert.deepEqual(places(kernel), ['a', 'b', 'c']);
    await kernel.objects.delete(Node, { name: 'c' });
    await settle(test);
    assert.equal(statusOf(kernel)?.desiredNumberScheduled, 2);
  });

  it('works on nothing when a node changes in what no pod looks at', async () => {
    const { kernel, clock } = await setUp();
    runAll(kernel);
    await clock.step(1_000);
    kernel.requests.length = 0;
    for (let i = 0; i < 5; i++) {
      kernel.modify(Node, 'a', each => {
        each.metadata.annotations = { beat: String(i) };
        each.metadata.labels = { ...each.metadata.labels, beat: String(i) };
      });
      await clock.step(100);
    }
    await clock.step(600_000);
    assert.deepEqual(kernel.requests, []);
  });

  it('deletes a pod that waits for a node which is gone', async () => {
    const { kernel, clock } = await setUp();
    await kernel.objects.delete(Node, { name: 'c' });
    await clock.step(100);
    assert.deepEqual(places(kernel), ['a', 'b']);
  });

  it('replaces ended pods, failed ones of one node later and later, and says so', async () => {
    const { kernel, clock } = await setUp({}, ['a']);
    const fail = async (phase: string) => {
      const { metadata } = podOn(kernel, 'a');
      kernel.modify(Pod, keyOf({ metadata }), p => {
        p.status = { phase };
      });
      await clock.step(100);
      return metadata.name;
    };
    const first = await fail('Failed');
    assert.notEqual(podOn(kernel, 'a').metadata.name, first);
    const message = `Found failed daemon pod default/${first} on node a, will try to kill it`;
    assert.deepEqual(events(kernel, 'FailedDaemonPod'), [message]);
    const second = await fail('Failed');
    assert.equal(podOn(kernel, 'a').metadata.name, second);
    await clock.step(1_000);
    assert.notEqual(podOn(kernel, 'a').metadata.name, second);
    const third = await fail('Failed');
    await clock.step(1_500);
    assert.equal(podOn(kernel, 'a').metadata.name, third);
    await clock.step(500);
    assert.notEqual(podOn(kernel, 'a').metadata.name, third);
    const fourth = await fail('Succeeded');
    assert.notEqual(podOn(kernel, 'a').metadata.name, fourth);
    assert.equal(events(kernel, 'SucceededDaemonPod').length, 1);
  });

  it('keeps the oldest of several pods of a node', async () => {
    const { kernel, clock } = await setUp({}, ['a']);
    const { metadata, spec } = podOn(kernel, 'a');
    const { name: _, uid: __, resourceVersion: ___, ...rest } = metadata;
    const older = { ...rest, name: 'older', creationTimestamp: '2020-01-01T00:00:00Z' };
    kernel.add(Pod, { metadata: older, ...(spec && { spec }) });
    await clock.step(100);
    assert.deepEqual(
      kernel.all(Pod).map(p => p.metadata.name),
      ['older'],
    );
  });

  it('adopts orphans that it selects and releases what it no longer selects', async () => {
    const kernel = new TestKernel();
    kernel.add(Node, node('a'));
    kernel.add(Pod, pod('orphan', { metadata: { labels: LABELS }, spec: onNode('a') }));
    kernel.add(DaemonSet, daemonSet({ updateStrategy: { type: 'OnDelete' } }));
    const { clock } = await activate(plugin, { kernel });
    assert.equal(controllerOf(podOn(kernel, 'a'))?.name, 'proxy');
    kernel.modify(Pod, 'default/orphan', p => {
      p.metadata.labels = { app: 'debug' };
    });
    await clock.step(100);
    assert.equal(controllerOf(kernel.get(Pod, 'default/orphan') ?? pod('x')), undefined);
    assert.equal(kernel.all(Pod).length, 2);
  });

  it('refuses to select everything', async () => {
    const { kernel } = await setUp({ selector: {} });
    assert.equal(kernel.all(Pod).length, 0);
    assert.deepEqual(events(kernel, 'SelectingAll'), [
      'This daemon set is selecting all pods. A non-empty selector is required.',
    ]);
  });

  it('does nothing while it is being deleted', async () => {
    const { kernel, clock } = await setUp();
    kernel.modify(DaemonSet, KEY, set => {
      set.metadata.finalizers = ['foregroundDeletion'];
    });
    await kernel.objects.delete(DaemonSet, { namespace: 'default', name: 'proxy' });
    await clock.step(100);
    await kernel.objects.delete(Pod, keyOfPod(podOn(kernel, 'a')));
    await clock.step(60_000);
    assert.deepEqual(places(kernel), ['b', 'c']);
  });

  it('begins with one pod and stops at the first refusal', async () => {
    const nodes = Array.from({ length: 300 }, (_, i) => `n${i}`);
    const kernel = new TestKernel();
    kernel.add(Node, ...nodes.map(name => node(name)));
    kernel.add(DaemonSet, daemonSet());
    kernel.fault = request =>
      request.resource === 'pods' && request.verb === 'create'
        ? forbidden(request, '', 'exceeded quota')
        : undefined;
    const { clock } = await activate(plugin, { kernel });
    assert.equal(writes(kernel, 'pods', 'create'), 1);
    kernel.fault = () => undefined;
    kernel.requests.length = 0;
    let release: (() => void) | undefined;
    kernel.fault = ({ resource, verb }) => {
      if (resource === 'pods' && verb === 'create') release ??= kernel.holdWatches();
      return undefined;
    };
    await clock.step(100);
    assert.equal(writes(kernel, 'pods', 'create'), 250);
    release?.();
    await clock.step(100);
    assert.deepEqual(places(kernel), nodes.toSorted());
  });

  it('does not create twice when its copy lags behind its writes', async () => {
    const kernel = new TestKernel();
    kernel.add(Node, node('a'), node('b'));
    kernel.add(DaemonSet, daemonSet());
    let release: (() => void) | undefined;
    kernel.fault = ({ resource, verb }) => {
      if (resource === 'pods' && verb === 'create') release ??= kernel.holdWatches();
      return undefined;
    };
    const { clock } = await activate(plugin, { kernel });
    await clock.step(100_000);
    release?.();
    await clock.step(100_000);
    assert.equal(writes(kernel, 'pods', 'create'), 2);
  });

  it('does not create twice when an answer is lost and its copy lags', async () => {
    const kernel = new TestKernel();
    kernel.add(Node, node('a'), node('b'));
    kernel.add(DaemonSet, daemonSet());
    const link = kernel.link('effects');
    let release: (() => void) | undefined;
    kernel.fault = (request, by) => {
      const isCreate = request.resource === 'pods' && request.verb === 'create';
      if (by === 'effects' || !isCreate || release) return undefined;
      release = kernel.holdWatches();
      void link.request([request]);
      return serviceUnavailable('the answer was lost');
    };
    const { clock } = await activate(plugin, { kernel });
    await clock.step(100_000);
    assert.deepEqual(places(kernel), ['a']);
    release?.();
    await clock.step(100_000);
    assert.deepEqual(places(kernel), ['a', 'b']);
    assert.equal(writes(kernel, 'pods', 'delete'), 0);
  });

  it('goes on where a crashed one stopped', async () => {
    const kernel = new TestKernel();
    kernel.add(Node, ...['a', 'b', 'c', 'd', 'e'].map(name => node(name)));
    kernel.add(DaemonSet, daemonSet());
    let creates = 0;
    kernel.fault = ({ resource, verb }) =>
      resource === 'pods' && verb === 'create' && ++creates > 3
        ? serviceUnavailable('gone')
        : undefined;
    const first = await activate(plugin, { kernel });
    await first.dispose();
    kernel.fault = () => undefined;
    await activate(plugin, { kernel });
    assert.deepEqual(places(kernel), ['a', 'b', 'c', 'd', 'e']);
    assert.equal(kernel.all(ControllerRevision).length, 1);
  });

  it('does nothing when all is as it should be', async () => {
    const { kernel, clock } = await setUp();
    runAll(kernel);
    await clock.step(1_000);
    kernel.requests.length = 0;
    await clock.step(600_000);
    assert.deepEqual(kernel.requests, []);
  });
});

describe('an update of the template', () => {
  it('replaces one pod after the other by default', async () => {
    const test = await setUp();
    const { kernel, clock } = test;
    runAll(kernel);
    await clock.step(100);
    setImage(kernel, 'v2');
    await clock.step(1_000);
    const updated = () => images(kernel).filter(text => text.endsWith('v2')).length;
    assert.equal(updated(), 1);
    assert.equal(statusOf(kernel)?.updatedNumberScheduled, 1);
    runAll(kernel);
    await clock.step(1_000);
    assert.equal(updated(), 2);
    await settle(test);
    assert.deepEqual(images(kernel), ['a v2', 'b v2', 'c v2']);
    assert.equal(statusOf(kernel)?.updatedNumberScheduled, 3);
  });

  it('replaces pods that are not available first, whatever maxUnavailable says', async () => {
    const { kernel, clock } = await setUp();
    runAll(kernel);
    for (const name of ['b', 'c']) {
      kernel.modify(Pod, keyOf(podOn(kernel, name)), p => {
        p.status = running({ ready: false });
      });
    }
    await clock.step(100);
    setImage(kernel, 'v2');
    await clock.step(1_000);
    assert.deepEqual(images(kernel), ['a v1', 'b v2', 'c v2']);
  });

  it('rounds a percentage of maxUnavailable up', async () => {
    const rollingUpdate = { maxUnavailable: '40%' };
    const { kernel, clock } = await setUp({ updateStrategy: { rollingUpdate } });
    runAll(kernel);
    await clock.step(100);
    setImage(kernel, 'v2');
    await clock.step(1_000);
    assert.deepEqual(images(kernel).filter(text => text.endsWith('v2')).length, 2);
  });

  it('with maxSurge makes the new pod beside the old one, and then deletes that', async () => {
    const rollingUpdate = { maxUnavailable: 0, maxSurge: 1 };
    const test = await setUp({ updateStrategy: { rollingUpdate } });
    const { kernel, clock } = test;
    runAll(kernel);
    await clock.step(100);
    setImage(kernel, 'v2');
    await clock.step(1_000);
    assert.deepEqual(images(kernel), ['a v1', 'a v2', 'b v1', 'c v1']);
    runAll(kernel);
    await clock.step(1_000);
    assert.deepEqual(images(kernel), ['a v2', 'b v1', 'b v2', 'c v1']);
    await settle(test);
    assert.deepEqual(images(kernel), ['a v2', 'b v2', 'c v2']);
  });

  it('with OnDelete waits until somebody deletes the old pod', async () => {
    const { kernel, clock } = await setUp({ updateStrategy: { type: 'OnDelete' } });
    runAll(kernel);
    setImage(kernel, 'v2');
    await clock.step(10_000);
    assert.deepEqual(images(kernel), ['a v1', 'b v1', 'c v1']);
    await kernel.objects.delete(Pod, keyOfPod(podOn(kernel, 'b')));
    await clock.step(1_000);
    assert.deepEqual(images(kernel), ['a v1', 'b v2', 'c v1']);
  });

  it('keeps revisionHistoryLimit old revisions, and renumbers one that is gone back to', async () => {
    const test = await setUp({ revisionHistoryLimit: 2 });
    const { kernel } = test;
    const numbers = () =>
      kernel
        .all(ControllerRevision)
        .map(each => each.revision)
        .sort();
    for (const image of ['v2', 'v3', 'v4', 'v5']) {
      setImage(kernel, image);
      await settle(test);
    }
    assert.deepEqual(numbers(), [3, 4, 5]);
    setImage(kernel, 'v3');
    await settle(test);
    assert.deepEqual(numbers(), [4, 5, 6]);
    assert.deepEqual(images(kernel), ['a v3', 'b v3', 'c v3']);
  });

  it('replaces no pod of an adopted revision that has the same template', async () => {
    const test = await setUp();
    const { kernel, clock } = test;
    runAll(kernel);
    await clock.step(100);
    const [revision] = kernel.all(ControllerRevision);
    assert.ok(revision);
    const { uid: _, resourceVersion: __, ownerReferences: ___, ...metadata } = revision.metadata;
    const labels = { ...metadata.labels, [HASH]: 'other' };
    const name = podOn(kernel, 'b').metadata.name ?? '';
    kernel.modify(Pod, `default/${name}`, p => {
      p.metadata.labels = { ...p.metadata.labels, [HASH]: 'other' };
    });
    const release = kernel.holdWatches();
    kernel.add(ControllerRevision, {
      ...revision,
      revision: 0,
      metadata: { ...metadata, name: 'proxy-other', labels },
    });
    release();
    kernel.modify(DaemonSet, KEY, set => {
      set.spec = { ...setSpec(set), updateStrategy: { type: 'OnDelete' } };
    });
    await clock.step(1_000);
    assert.deepEqual(
      kernel.all(ControllerRevision).map(each => each.metadata.name),
      [metadata.name],
    );
    assert.equal(kernel.get(Pod, `default/${name}`)?.metadata.labels?.[HASH], labelOf(revision));
  });
});

function labelOf({ metadata }: ControllerRevision): string | undefined {
  return metadata.labels?.[HASH];
}

function setSpec({ spec }: DaemonSet): DaemonSetSpec {
  assert.ok(spec);
  return spec;
}

function keyOfPod({ metadata }: Pod) {
  return { namespace: 'default', name: metadata.name ?? '' };
}

function onNode(nodeName: string) {
  return { nodeName, containers: [{ name: 'main', image: 'v0' }] };
}
