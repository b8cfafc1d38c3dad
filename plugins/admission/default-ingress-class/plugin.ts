import {
  type AdmissionPlugin,
  admissionPoint,
  definePlugin,
  type Informer,
  type Ingress,
  IngressClass,
} from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.default-ingress-class',
  async activate(ctx) {
    const classes = ctx.informer(IngressClass, { fields: [] });
    await classes.synced;
    ctx.provide(admissionPoint, defaultIngressClass(classes));
  },
});

function defaultIngressClass(classes: Informer<IngressClass>): AdmissionPlugin {
  return {
    rules: [{ operations: ['CREATE'], groups: ['networking.k8s.io'], resources: ['ingresses'] }],
    mutate({ object }) {
      const ingress = object as Ingress;
      if (ingress.metadata.annotations?.[CLASS_ANNOTATION] !== undefined) return;
      if (ingress.spec?.ingressClassName !== undefined) return;
      const [newest] = classes.list().filter(isDefault).sort(newestFirst);
      if (newest === undefined) return;
      ingress.spec ??= {};
      ingress.spec.ingressClassName = newest.metadata.name ?? '';
    },
  };
}

function isDefault({ metadata }: IngressClass): boolean {
  return metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true';
}

/** Of the same second, the first by name. */
function newestFirst({ metadata: a }: IngressClass, { metadata: b }: IngressClass): number {
  const [at = '', bt = ''] = [a.creationTimestamp, b.creationTimestamp];
  if (at !== bt) return at > bt ? -1 : 1;
  return (a.name ?? '') < (b.name ?? '') ? -1 : 1;
}

/** By which clients named a class before there were IngressClasses. */
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
