import {
  AGE_COLUMN,
  ALL_VERBS,
  ageCell,
  column,
  dns1035LabelErrors,
  formatLabels,
  maskTrailingDash,
  NAME_COLUMN,
  rewritten,
  Service,
  type ServicePort,
  type Verb,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';
import { defaultService } from './service-defaults.ts';
import { keepAllocated, normalizeAddresses } from './service-update.ts';
import { validateService, validateServiceUpdate } from './service-validation.ts';

export const services = coreKind<Service>(Service, {
  directory: 'services/specs',
  shortNames: ['svc'],
  categories: ['all'],
  columns: [
    NAME_COLUMN,
    column('Type'),
    column('Cluster-IP'),
    column('External-IP'),
    column('Port(s)'),
    AGE_COLUMN,
    column('Selector', 1),
  ],
  row: (service, now) => [
    service.metadata.name ?? '',
    service.spec?.type ?? '',
    service.spec?.clusterIPs?.[0] || service.spec?.clusterIP || '<none>',
    externalIp(service),
    (service.spec?.ports ?? []).map(portText).join(',') || '<none>',
    ageCell(service, now),
    formatLabels(service.spec?.selector),
  ],
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '',
    'spec.type': ({ spec }) => spec?.type ?? '',
  },
  earlier: [
    { until: 22, as: kind => ({ ...kind, verbs: ALL_VERBS.filter(isOfOne) }) },
    rewritten(21, ({ spec = {} }) => {
      delete spec.internalTrafficPolicy;
      delete spec.allocateLoadBalancerNodePorts;
    }),
    rewritten(20, ({ spec = {} }) => {
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
    }),
  ],
  defaults: defaultService,
  strategy: {
    returnsDeleted: true,
    createOnUpdate: true,
    status: true,
    validateName: (name, prefix) =>
      dns1035LabelErrors(prefix ? maskTrailingDash(name) : name)?.join('; '),
    prepareCreate: service => {
      service.status = { loadBalancer: {} };
      normalizeAddresses(service);
    },
    prepareUpdate: keepAllocated,
    prepareStatusUpdate: service => {
      service.status ??= {};
      service.status.loadBalancer ??= {};
      for (const ingress of service.status.loadBalancer.ingress ?? []) {
        if (ingress.ip) ingress.ipMode ??= 'VIP';
      }
    },
    validate: validateService,
    validateUpdate: validateServiceUpdate,
  },
});

function isOfOne(verb: Verb): boolean {
  return verb !== 'deletecollection';
}

function externalIp({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || '<none>';
    case 'LoadBalancer': {
      const ingress = status?.loadBalancer?.ingress ?? [];
      const balancer = new Set(ingress.map(({ ip, hostname }) => ip || (hostname ?? '')));
      balancer.delete('');
      return [...[...balancer].sort(), ...external].join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

/** `80/TCP`, `80:30007/TCP` */
function portText({ port, nodePort, protocol }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}
