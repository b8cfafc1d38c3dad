import {
  type AdmissionPlugin,
  type AdmissionRequest,
  ApiError,
  admissionForbidden,
  admissionPoint,
  compareQuantities,
  definePlugin,
  type PersistentVolumeClaim,
  parseQuantity,
  StorageClass,
} from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.persistent-volume-claim-resize',
  async activate(ctx) {
    const classes = ctx.informer(StorageClass, { fields: ['allowVolumeExpansion'] });
    await classes.synced;
    const find = (name: string) =>
      classes.get(name) ?? ctx.objects.get(StorageClass, { name }).catch(missing);
    ctx.provide(admissionPoint, resizeAdmission(find));
  },
});

function missing(error: unknown): undefined {
  if (!ApiError.is(error, 'NotFound')) throw error;
}

type FindClass = (name: string) => StorageClass | Promise<StorageClass | undefined>;

function resizeAdmission(find: FindClass): AdmissionPlugin {
  return {
    rules: [{ operations: ['UPDATE'], groups: [''], resources: ['persistentvolumeclaims'] }],
    async validate(request) {
      const claim = request.object as PersistentVolumeClaim;
      const old = request.oldObject as PersistentVolumeClaim;
      if (!isLarger(claim, old)) return;
      if (old.status?.phase !== 'Bound') {
        throw admissionForbidden(request, 'Only bound persistent volume claims can be expanded');
      }
      const name = classOf(claim);
      const isSame = name !== '' && name === classOf(old);
      const storageClass = isSame ? await find(name) : undefined;
      if (!storageClass?.allowVolumeExpansion) throw notExpandable(request);
    },
  };
}

function isLarger(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const [size, before] = [sizeOf(claim), sizeOf(old)];
  return size !== before && compareQuantities(parseQuantity(size), parseQuantity(before)) > 0;
}

function sizeOf({ spec }: PersistentVolumeClaim): string {
  return spec?.resources?.requests?.storage ?? '0';
}

function classOf({ spec, metadata }: PersistentVolumeClaim): string {
  return metadata.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? '';
}

function notExpandable(request: AdmissionRequest): ApiError {
  const why =
    'only dynamically provisioned pvc can be resized and ' +
    'the storageclass that provisions the pvc must support resize';
  return admissionForbidden(request, why);
}

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
