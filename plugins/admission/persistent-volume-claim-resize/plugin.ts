import {
  type AdmissionPlugin,
  type AdmissionRequest,
  type ApiError,
  admissionForbidden,
  admissionPoint,
  compareQuantities,
  definePlugin,
  type Find,
  openFinder,
  type PersistentVolumeClaim,
  parseQuantity,
  StorageClass,
} from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.persistent-volume-claim-resize',
  async activate(ctx) {
    const find = await openFinder(ctx, StorageClass, { fields: ['allowVolumeExpansion'] });
    ctx.provide(admissionPoint, resizeAdmission(find));
  },
});

function resizeAdmission(find: Find<StorageClass>): AdmissionPlugin {
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
