import {
  type AdmissionPlugin,
  admissionPoint,
  defaultClass,
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
      const newest = defaultClass(classes.list(), DEFAULT_ANNOTATIONS);
      if (newest === undefined) return;
      ingress.spec ??= {};
      ingress.spec.ingressClassName = newest.metadata.name ?? '';
    },
  };
}

/** By which clients named a class before there were IngressClasses. */
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const DEFAULT_ANNOTATIONS = ['ingressclass.kubernetes.io/is-default-class'];
