import {
  definePlugin,
  type Informer,
  keyOf,
  POD_FIELDS,
  Pod,
  ResourceClaim,
  runQueue,
} from 'kernetes/sdk';
import { isPodDone, ownedBy, podClaimKeys, reservedFor, usesClaims } from './pod-claims.ts';
import { ClaimReleases } from './release.ts';
import { TemplateClaims } from './template-claims.ts';

const CLAIM = 'claim:';

export default definePlugin({
  name: 'controller.resource-claim',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const pods = ctx.informer(Pod, { fields: POD_FIELDS, indexes: { claim: podClaimKeys } });
    const claims = ctx.informer(ResourceClaim, {
      indexes: { owner: ownedBy, reserved: reservedFor },
    });
    const { objects, events } = ctx;
    const made = new TemplateClaims({ pods, claims, objects, events });
    const releases = new ClaimReleases({ pods, claims, objects });
    const queue = runQueue(ctx, {
      concurrency: 10,
      work: key =>
        key.startsWith(CLAIM) ? releases.sync(key.slice(CLAIM.length)) : made.sync(key),
      replay() {
        pods.list().forEach(podChanged);
        claims.list().forEach(claimChanged);
      },
    });
    const claimChanged = (claim: ResourceClaim) => {
      queue.add(CLAIM + keyOf(claim));
      for (const pod of pods.byIndex('claim', keyOf(claim))) queue.add(keyOf(pod));
    };
    // Nearly all pods have none.
    const podChanged = (pod: Pod) => {
      if (!usesClaims(pod)) return;
      if (isPodDone(pod)) podGone(pod);
      if (!pod.metadata.deletionTimestamp) queue.add(keyOf(pod));
    };
    const podGone = (pod: Pod) => {
      if (!usesClaims(pod)) return;
      for (const key of claimKeysOf(pod, claims)) queue.add(CLAIM + key);
    };
    pods.on({ added: podChanged, updated: podChanged, deleted: podGone });
    const claimCameOrWent = (claim: ResourceClaim) => {
      made.forget(claim);
      claimChanged(claim);
    };
    claims.on({ added: claimCameOrWent, updated: claimChanged, deleted: claimCameOrWent });
    void Promise.all([pods.synced, claims.synced]).then(() => queue.start());
  },
});

/** Those that it names and those that name it. */
function claimKeysOf(pod: Pod, claims: Informer<ResourceClaim>): Set<string> {
  const { uid = '' } = pod.metadata;
  const known = ['owner', 'reserved'].flatMap(index => claims.byIndex(index, uid));
  return new Set([...podClaimKeys(pod), ...known.map(keyOf)]);
}
