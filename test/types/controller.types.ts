/** Compiles, or does not where it says so: how controllers are written against the SDK. */
import { ConfigMap, controller, Deployment, Pod, ReplicaSet } from 'kernetes/sdk';

export const short = controller({
  name: 'scale-idle-to-zero',
  for: Deployment,
  async reconcile(key, { object, objects, clock, events, owned }) {
    const replicas: number | undefined = object?.spec?.replicas;
    const sets: ReplicaSet[] = owned(ReplicaSet);
    const live: Deployment = await objects.get(Deployment, key);
    events.event(live, 'Normal', 'Idle', `${replicas} of ${sets.length} at ${clock.now()}`);
    return { requeueAfter: '5m' };
  },
});

export const long = controller({
  name: 'long',
  for: Deployment,
  fields: ['spec.replicas'],
  owns: [ReplicaSet, { kind: Pod, fields: ['status.phase'] }],
  watches: [
    {
      kind: ConfigMap,
      map: configMap => Object.keys(configMap.data ?? {}).map(name => ({ namespace: 'x', name })),
    },
    {
      kind: Pod,
      fields: ['spec.nodeName'],
      map: (pod, { informer }) =>
        informer(Deployment).get('x') && pod.spec?.nodeName ? [{ name: pod.spec.nodeName }] : [],
    },
  ],
  reconcile() {},
});

export const wrong = controller({
  name: 'wrong',
  for: Deployment,
  watches: [
    {
      kind: ConfigMap,
      // @ts-expect-error A ConfigMap has no spec.
      map: configMap => configMap.spec,
    },
  ],
  // @ts-expect-error Not a unit.
  reconcile: () => ({ requeueAfter: '5d' }),
});
