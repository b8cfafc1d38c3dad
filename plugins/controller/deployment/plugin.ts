import {
  type ControllerView,
  controller,
  controllerKey,
  controllerOf,
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
    { kind: ReplicaSet, map: adopters },
    { kind: Pod, fields: POD_FIELDS, map: recreating },
  ],
  concurrency: 10,
  // Its ReplicaSets change in quick succession: one write of the status for many changes.
  intervalMs: 20,
  reconcile: (_key, context) => reconcile(context),
});

/** The Deployments that select a ReplicaSet which nobody manages. */
function adopters(set: ReplicaSet, { informer }: ControllerView): readonly ObjectKey[] {
  const { namespace = '', labels, deletionTimestamp } = set.metadata;
  if (deletionTimestamp || controllerOf(set)) return [];
  return informer(Deployment)
    .list(namespace)
    .filter(({ spec }) => selectorFrom(spec?.selector).matches(labels))
    .map(({ metadata }) => ({ namespace, name: metadata.name ?? '' }));
}

/** A Deployment that waits for its old pods to end needs to be told of each. */
function recreating(pod: Pod, { informer }: ControllerView): readonly ObjectKey[] {
  const setKey = controllerKey(ReplicaSet, pod);
  const set = setKey && informer(ReplicaSet).get(`${setKey.namespace}/${setKey.name}`);
  const key = set && controllerKey(Deployment, set);
  if (!key) return [];
  const deployment = informer(Deployment).get(`${key.namespace}/${key.name}`);
  return deployment?.spec?.strategy?.type === 'Recreate' ? [key] : [];
}
