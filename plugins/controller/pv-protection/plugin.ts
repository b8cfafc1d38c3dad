import { ApiError, controller, PersistentVolume } from 'kernetes/sdk';

const FINALIZER = 'kubernetes.io/pv-protection';

/** A volume that is deleted stays for as long as a claim has it. */
export default controller<PersistentVolume>({
  name: 'controller.pv-protection',
  leader: 'kube-controller-manager',
  // Whole: the binder's copy is this one.
  for: PersistentVolume,
  async reconcile(key, { object: volume, objects }) {
    if (volume === undefined) return undefined;
    const { finalizers = [], resourceVersion, deletionTimestamp } = volume.metadata;
    const isHeld = finalizers.includes(FINALIZER);
    // Admission puts it on new ones; this is for those from before.
    const isToBeHeld = !deletionTimestamp || (isHeld && volume.status?.phase === 'Bound');
    if (isHeld === isToBeHeld) return undefined;
    const others = finalizers.filter(each => each !== FINALIZER);
    const wanted = isToBeHeld ? [...others, FINALIZER] : others;
    const patch = { metadata: { resourceVersion, finalizers: wanted.length > 0 ? wanted : null } };
    // Gone is as good.
    await objects.patch(PersistentVolume, key, patch).catch(ignoreNotFound);
    return undefined;
  },
});

function ignoreNotFound(error: unknown): void {
  if (!ApiError.is(error, 'NotFound')) throw error;
}
