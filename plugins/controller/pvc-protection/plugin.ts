import { controller, PersistentVolumeClaim, POD_FIELDS, Pod } from 'kernetes/sdk';
import { claimsOf, reconcileClaim } from './pvc-protection.ts';

/** A claim that is deleted stays for as long as a pod uses it. */
export default controller<PersistentVolumeClaim, unknown, [Pod]>({
  name: 'controller.pvc-protection',
  leader: 'kube-controller-manager',
  // Whole: the binder's copy is this one.
  for: PersistentVolumeClaim,
  watches: [
    {
      kind: Pod,
      fields: POD_FIELDS,
      indexes: { claim: pod => claimsOf(pod).map(({ namespace, name }) => `${namespace}/${name}`) },
      // A claim that is not being deleted is not held up by anybody.
      map: (pod, { informer }) =>
        claimsOf(pod).filter(({ namespace, name }) => {
          const claim = informer(PersistentVolumeClaim).get(`${namespace}/${name}`);
          return claim?.metadata.deletionTimestamp;
        }),
    },
  ],
  reconcile: reconcileClaim,
});
