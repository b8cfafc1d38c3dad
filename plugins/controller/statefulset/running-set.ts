import assert from 'node:assert/strict';
import {
  controllerReference,
  Event,
  keyOf,
  type PersistentVolumeClaim,
  Pod,
  StatefulSet,
  type StatefulSetSpec,
} from 'kernetes/sdk';
import { activate, running, TestKernel } from 'kernetes/sdk/testing';
import { REVISION_LABEL } from './identity.ts';
import plugin from './plugin.ts';

/** What the tests of this folder have in common: a set `web` and somebody who runs its pods. */

export const KEY = 'default/web';

export function webSet(
  spec: Partial<StatefulSetSpec> = {},
  metadata: Partial<StatefulSet['metadata']> = {},
): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      serviceName: 'web-svc',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
      template: spec.template ?? templateWith('nginx:1'),
    },
  };
}

export function templateWith(image: string): StatefulSetSpec['template'] {
  return {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'main', image }] },
  };
}

export function claimTemplate(name: string): PersistentVolumeClaim {
  return { metadata: { name, labels: { tier: 'db' } }, spec: { accessModes: ['ReadWriteOnce'] } };
}

/** The controller on a kernel with the set and pods of it. */
export async function setUp(set: StatefulSet, ...pods: Pod[]) {
  const kernel = new TestKernel();
  const [stored] = kernel.add(StatefulSet, set);
  assert.ok(stored);
  kernel.add(Pod, ...pods.map(pod => ownedBy(stored, pod)));
  const test = await activate(plugin, { kernel });
  return { ...test, set: stored, step: () => test.clock.step(100) };
}

/** Pods without owner references get the set as their controller; others stay as they are. */
function ownedBy(set: StatefulSet, each: Pod): Pod {
  const ownerReferences = each.metadata.ownerReferences ?? [controllerReference(StatefulSet, set)];
  return { ...each, metadata: { ...each.metadata, ownerReferences } };
}

/** Steps and runs all pods, again and again, until nothing changes. */
export async function settle(
  { kernel, step }: Pick<Awaited<ReturnType<typeof setUp>>, 'kernel' | 'step'>,
  isBroken: (pod: Pod) => boolean = () => false,
): Promise<void> {
  for (let rounds = 0; rounds < 100; rounds++) {
    const before = shape(kernel);
    runPods(kernel, isBroken);
    await step();
    if (shape(kernel) === before) return;
  }
  assert.fail('The pods do not come to rest');
}

function shape(kernel: TestKernel): string {
  return JSON.stringify([kernel.all(Pod), kernel.get(StatefulSet, KEY)?.status]);
}

/** Makes all pods that have no status run, and be ready unless they are broken. */
export function runPods(kernel: TestKernel, isBroken: (pod: Pod) => boolean = () => false): void {
  for (const pod of kernel.all(Pod).filter(({ status }) => status === undefined)) {
    setStatus(kernel, pod, running({ ready: !isBroken(pod) }));
  }
}

export function setStatus(kernel: TestKernel, pod: Pod, status: NonNullable<Pod['status']>): void {
  kernel.modify(Pod, keyOf(pod), object => {
    object.status = status;
  });
}

export function changeSpec(kernel: TestKernel, change: Partial<StatefulSetSpec>): void {
  kernel.modify(StatefulSet, KEY, set => {
    set.metadata.generation = (set.metadata.generation ?? 0) + 1;
    set.spec = { ...(set.spec as StatefulSetSpec), ...change };
  });
}

/** `web-0=nginx:1`, by ordinal. */
export function podImages(kernel: TestKernel): string[] {
  return kernel.all(Pod).map(pod => `${pod.metadata.name}=${imageOf(pod)}`);
}

export function imageOf(pod: Pod | undefined): string | undefined {
  return pod?.spec?.containers[0]?.image;
}

export function revisionIn(pod: Pod | undefined): string | undefined {
  return pod?.metadata.labels?.[REVISION_LABEL];
}

export function podNames(kernel: TestKernel): string[] {
  return kernel.all(Pod).map(({ metadata }) => metadata.name ?? '');
}

/** What pods were created and deleted, in order. */
export function podWrites(kernel: TestKernel): string[] {
  return kernel.requests
    .filter(({ resource, verb }) => resource === 'pods' && /create|delete/.test(verb))
    .map(({ verb, name, body }) => `${verb} ${name ?? (body as Pod).metadata.name}`);
}

export function eventsOf(kernel: TestKernel): string[] {
  return kernel.all(Event).map(({ reason, message }) => `${reason} ${message}`);
}
