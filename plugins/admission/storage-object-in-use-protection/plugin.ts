import { type AdmissionPlugin, admissionPoint, definePlugin } from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.storage-object-in-use-protection',
  activate(ctx) {
    ctx.provide(admissionPoint, protectNewStorage);
  },
});

/** Resource -> what keeps an object of it from going while it is used. */
const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
};

const protectNewStorage: AdmissionPlugin = {
  rules: [{ operations: ['CREATE'], groups: [''], resources: Object.keys(FINALIZERS) }],
  mutate({ resource, object }) {
    const finalizer = FINALIZERS[resource];
    if (object === undefined || finalizer === undefined) return;
    const { metadata } = object;
    metadata.finalizers ??= [];
    if (!metadata.finalizers.includes(finalizer)) metadata.finalizers.push(finalizer);
  },
};
