import {
  adopters,
  type ControllerView,
  controller,
  controllerKey,
  Deployment,
  type ObjectKey,
  POD_FIELDS,
  Pod,
  ReplicaSet,
  selectorFrom,
} from 'kernetes/sdk';
import { reconcile } from './deployment.ts';

export default controller({
  name: 'controller.deployment',
  leader: 'kube-controller-manager',
  for: Deployment,
  owns: [ReplicaSet],
  watches: [
    { kind: ReplicaSet, map: adopters(Deployment, ({ spec }) => selectorFrom(spec?.selector)) },
    { kind: Pod, fields: POD_FIELDS, map: recreating },
  ],
  concurrency: 10,
  // Its ReplicaSets change in quick succession: one write of the status for many changes.
  intervalMs: 20,
  reconcile: (_key, context) => reconcile(context),
});

/** A Deployment that waits for its old pods to end needs to be told of each. */
function recreating(pod: Pod, { informer }: ControllerView): readonly ObjectKey[] {
  const setKey = controllerKey(ReplicaSet, pod);
  const set = setKey && informer(ReplicaSet).get(`${setKey.namespace}/${setKey.name}`);
  const key = set && controllerKey(Deployment, set);
  if (!key) return [];
  const deployment = informer(Deployment).get(`${key.namespace}/${key.name}`);
  return deployment?.spec?.strategy?.type === 'Recreate' ? [key] : [];
}
