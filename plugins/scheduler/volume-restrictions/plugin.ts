import {
  definePlugin,
  PersistentVolumeClaim,
  podClaims,
  provideSchedulerPlugin,
  usesClaim,
  verdict,
} from 'kernetes/sdk';
import { addUses, ClaimUses, isExclusivelyUsed, type OwnClaims } from './claim-uses.ts';
import { exclusiveDisks, hasConflict } from './disk-conflict.ts';

export default definePlugin({
  name: 'VolumeRestrictions',
  leader: 'kube-scheduler',
  config: { type: 'object', additionalProperties: false },
  activate(ctx) {
    // The fields are those of other volume plugins: they share the copy.
    const claims = ctx.informer(PersistentVolumeClaim, { fields: ['spec', 'status.phase'] });
    provideSchedulerPlugin<unknown, OwnClaims>(ctx, () => {
      const uses = new ClaimUses();
      return {
        name: 'VolumeRestrictions',
        requeueOn: [
          'NodeAdd',
          {
            on: 'PodDelete',
            fits: ({ pod, other }) => other === undefined || uses.mayFree(pod, other),
          },
        ],
        watch: wake => claims.on({ added: claim => wake(pod => usesClaim(pod, claim)) }),
        track: () => uses.cleared(),
        preFilter(context) {
          const { pod } = context;
          const own = uses.exclusiveClaimsOf(pod, podClaims(pod), claims);
          if ('code' in own) return own;
          const disks = exclusiveDisks(pod);
          // A claim that nobody uses may be meant for a pod that is nominated: not skipped.
          if (disks.length === 0 && own.names.size === 0) return verdict.skip;
          context.state = { ...own, disks };
          return undefined;
        },
        addPod: ({ state, pod }, other) => state && addUses(state, pod, other, 1),
        removePod: ({ state, pod }, other) => state && addUses(state, pod, other, -1),
        cloneState: state => ({ ...state }),
        filter({ state, node }) {
          if (state === undefined) return undefined;
          if (hasConflict(state.disks, node.pods)) return DISK_CONFLICT;
          return isExclusivelyUsed(state) ? CLAIM_CONFLICT : undefined;
        },
      };
    });
  },
});

const DISK_CONFLICT = verdict.unschedulable('node(s) had no available disk');
const CLAIM_CONFLICT = verdict.unschedulable(
  'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
);
