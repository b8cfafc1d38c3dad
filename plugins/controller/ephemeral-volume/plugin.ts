import {
  definePlugin,
  keyOf,
  PersistentVolumeClaim,
  POD_FIELDS,
  Pod,
  runQueue,
} from 'kernetes/sdk';
import { EphemeralVolumes, ephemeralClaims } from './ephemeral-volumes.ts';

export default definePlugin({
  name: 'controller.ephemeral-volume',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const pods = ctx.informer(Pod, { fields: POD_FIELDS, indexes: { claim: ephemeralClaims } });
    const claims = ctx.informer(PersistentVolumeClaim);
    const { objects, events } = ctx;
    const volumes = new EphemeralVolumes({ pods, claims, objects, events });
    const queue = runQueue(ctx, {
      concurrency: 10,
      work: key => volumes.make(key),
      replay: () => pods.list().forEach(enqueue),
    });
    // What a pod's volumes are does not change; and nearly all pods have none of these.
    const enqueue = (pod: Pod) => {
      if (ephemeralClaims(pod).length > 0) queue.add(keyOf(pod));
    };
    pods.on({ added: enqueue });
    // One that goes before its pod is made again, and one that was in the way is not any more.
    claims.on({
      deleted(claim) {
        for (const pod of pods.byIndex('claim', keyOf(claim))) queue.add(keyOf(pod));
      },
    });
    void Promise.all([pods.synced, claims.synced]).then(() => queue.start());
  },
});
