import { ApiError, controller, PersistentVolume } from 'kernetes/sdk';

const FINALIZER = 'kubernetes.io/pv-protection';

/** A volume that is deleted stays for as long as a claim has it. */
export default controller<PersistentVolume>({
  name: 'controller.pv-protection',
  for: PersistentVolume,
  fields: ['status.phase'],
  async reconcile(key, { object: volume, objects }) {
    if (volume === undefined || !volume.metadata.deletionTimestamp) return undefined;
    const { finalizers = [], resourceVersion } = volume.metadata;
    if (!finalizers.includes(FINALIZER) || volume.status?.phase === 'Bound') return undefined;
    const rest = finalizers.filter(each => each !== FINALIZER);
    const patch = { metadata: { resourceVersion, finalizers: rest.length > 0 ? rest : null } };
    // Gone is as good.
    await objects.patch(PersistentVolume, key, patch).catch(ignoreNotFound);
    return undefined;
  },
});

function ignoreNotFound(error: unknown): void {
  if (!ApiError.is(error, 'NotFound')) throw error;
}
