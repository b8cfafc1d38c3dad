import {
  type AdmissionPlugin,
  admissionPoint,
  defaultClass,
  definePlugin,
  type Informer,
  type PersistentVolumeClaim,
  StorageClass,
} from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.default-storage-class',
  async activate(ctx) {
    const classes = ctx.informer(StorageClass, { fields: [] });
    await classes.synced;
    ctx.provide(admissionPoint, defaultStorageClass(classes));
  },
});

function defaultStorageClass(classes: Informer<StorageClass>): AdmissionPlugin {
  return {
    rules: [{ operations: ['CREATE'], groups: [''], resources: ['persistentvolumeclaims'] }],
    mutate({ object }) {
      const claim = object as PersistentVolumeClaim;
      if (claim.metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return;
      // Naming none, by an empty name, is a choice too.
      if (claim.spec?.storageClassName !== undefined) return;
      const newest = defaultClass(classes.list(), DEFAULT_ANNOTATIONS);
      if (newest === undefined) return;
      claim.spec ??= {};
      claim.spec.storageClassName = newest.metadata.name ?? '';
    },
  };
}

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const DEFAULT_ANNOTATIONS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];
