import { Deployment, type DeploymentSpec, Event, keyOf, ReplicaSet } from 'kernetes/sdk';
import { activate, deployment, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

/** What the tests of this folder have in common: a Deployment `web`, and pods that come to be. */

export const KEY = 'default/web';
export const REVISION = 'deployment.kubernetes.io/revision';

export async function setUp(spec: Partial<DeploymentSpec> = {}, kernel = new TestKernel()) {
  kernel.add(
    Deployment,
    deployment('web', { progressDeadlineSeconds: 600, revisionHistoryLimit: 10, ...spec }),
  );
  const test = await activate(plugin, { kernel });
  return { ...test, settle: () => settle(test.kernel, test.clock) };
}

/** Stands in for the replicaset controller and the nodes: all pods that are wanted are there. */
function makeAvailable(kernel: TestKernel): boolean {
  let changed = false;
  for (const set of kernel.all(ReplicaSet)) {
    const replicas = set.spec?.replicas ?? 1;
    const { generation = 1 } = set.metadata;
    const isDone = set.status?.availableReplicas === replicas;
    if (isDone && set.status?.observedGeneration === generation) continue;
    changed = true;
    kernel.modify(ReplicaSet, keyOf(set), each => {
      const counts = { replicas, readyReplicas: replicas, availableReplicas: replicas };
      each.status = { ...counts, observedGeneration: generation };
    });
  }
  return changed;
}

export async function settle(kernel: TestKernel, clock: { step(ms: number): Promise<void> }) {
  do await clock.step(50);
  while (makeAvailable(kernel));
}

export function setImage(kernel: TestKernel, image: string): void {
  kernel.modify(Deployment, KEY, ({ spec }) => {
    if (spec) spec.template.spec = { containers: [{ name: 'main', image }] };
  });
}

export function change(kernel: TestKernel, spec: Partial<DeploymentSpec>): void {
  kernel.modify(Deployment, KEY, d => {
    if (d.spec) Object.assign(d.spec, spec);
  });
}

/** Image -> size and revision, of every set. */
export function sets(kernel: TestKernel): Record<string, string> {
  return Object.fromEntries(
    kernel.all(ReplicaSet).map(({ spec, metadata }) => {
      const image = spec?.template?.spec?.containers[0]?.image ?? '';
      return [image, `${spec?.replicas} r${metadata.annotations?.[REVISION]}`];
    }),
  );
}

export function condition(kernel: TestKernel, type: string) {
  const conditions = kernel.get(Deployment, KEY)?.status?.conditions ?? [];
  return conditions.find(each => each.type === type);
}

export function messages(kernel: TestKernel): string[] {
  return kernel
    .all(Event)
    .map(({ message = '' }) => message.replace(/web-\w+/, 'web-x'))
    .sort();
}
