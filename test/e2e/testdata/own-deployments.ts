import { controller, controllerReference, Deployment, ReplicaSet } from 'kernetes/sdk';

/**
 * Somebody's own controller of Deployments, in one file: each has one ReplicaSet, of its own name,
 * which gets what the Deployment wants. No rollouts.
 */
export default controller({
  name: 'own-deployments',
  for: Deployment,
  owns: [ReplicaSet],
  async reconcile(key, { object, owned, objects }) {
    if (object?.spec === undefined || object.metadata.deletionTimestamp) return undefined;
    const { replicas = 1, selector, template } = object.spec;
    const wanted = { replicas, selector, template };
    const [set] = owned(ReplicaSet);
    if (set === undefined) {
      const { labels } = template.metadata ?? {};
      await objects.create(ReplicaSet, {
        metadata: {
          ...key,
          ...(labels && { labels }),
          annotations: { 'example.com/made-by': 'own-deployments' },
          ownerReferences: [controllerReference(Deployment, object)],
        },
        spec: wanted,
      });
    } else if (set.spec?.replicas !== replicas) {
      await objects.update(ReplicaSet, { ...set, spec: { ...set.spec, ...wanted } });
    }
    const { readyReplicas = 0 } = set?.status ?? {};
    if (object.status?.readyReplicas === readyReplicas) return undefined;
    const status = { ...object.status, replicas, readyReplicas, availableReplicas: readyReplicas };
    await objects.updateStatus(Deployment, { ...object, status });
    return undefined;
  },
});
