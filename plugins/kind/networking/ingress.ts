import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  defineVersion,
  type Ingress,
  type IngressRule,
  type IngressStatus,
  type KindDefinition,
  type KindStrategy,
  type KindVersion,
  type KubeObject,
  NAME_COLUMN,
  type networkingV1beta1,
  type TableCell,
} from 'kernetes/sdk';
import { fromV1beta1, toV1beta1 } from './ingress-conversion.ts';
import {
  validateIngress,
  validateIngressClassAnnotation,
  validateIngressStatus,
} from './ingress-validation.ts';

const COLUMNS = [
  NAME_COLUMN,
  column('Class'),
  column('Hosts'),
  column('Address'),
  column('Ports'),
  AGE_COLUMN,
];

const STRATEGY: KindStrategy = {
  status: true,
  generation: true,
  prepareCreate: object => {
    (object as Ingress).status = { loadBalancer: {} };
  },
  validate: object => validateIngress(current(object)),
  validateCreate: object => validateIngressClassAnnotation(current(object)),
  validateStatusUpdate: object => validateIngressStatus(current(object)),
};

/** One object, served under two groups: `extensions` is the older name of the same thing. */
export const ingresses = ingressKind('networking.k8s.io', [
  defineVersion<Ingress>({
    name: 'v1',
    schema: builtInSchema('networking.k8s.io', 'v1', 'Ingress'),
    columns: COLUMNS,
    row: ingressRow,
  }),
  oldVersion('networking.k8s.io', 'v1.19'),
]);

export const extensionsIngresses = ingressKind('extensions', [oldVersion('extensions', 'v1.14')]);

function ingressKind(group: string, versions: readonly KindVersion[]): KindDefinition {
  return defineKind<KubeObject>({
    group,
    kind: 'Ingress',
    resource: 'ingresses',
    singular: 'ingress',
    shortNames: ['ing'],
    namespaced: true,
    storage: { prefix: 'registry/ingress', group: 'networking.k8s.io', version: 'v1' },
    versions,
    strategy: STRATEGY,
  });
}

function oldVersion(group: string, since: string): KindVersion {
  return defineVersion<networkingV1beta1.Ingress>({
    name: 'v1beta1',
    schema: builtInSchema(group, 'v1beta1', 'Ingress'),
    defaults: defaultPathTypes,
    toStorage: fromV1beta1,
    fromStorage: object => toV1beta1(object as Ingress),
    columns: COLUMNS,
    row: (object, now) => ingressRow(current(object), now),
    releases: { until: 21 },
    deprecation:
      `${group}/v1beta1 Ingress is deprecated in ${since}+, unavailable in v1.22+; ` +
      'use networking.k8s.io/v1 Ingress',
  });
}

/** The object as the storage version has it; the argument stays as it is. */
function current(object: KubeObject): Ingress {
  if (!object.apiVersion?.endsWith('/v1beta1')) return object as Ingress;
  return fromV1beta1(structuredClone(object) as networkingV1beta1.Ingress);
}

function defaultPathTypes({ spec }: networkingV1beta1.Ingress): void {
  for (const { http } of spec?.rules ?? []) {
    for (const path of http?.paths ?? []) path.pathType ??= 'ImplementationSpecific';
  }
}

export function ingressRow(ingress: Ingress, now: number): TableCell[] {
  const { metadata, spec, status } = ingress;
  return [
    metadata.name ?? '',
    spec?.ingressClassName ?? '<none>',
    hostsCell(spec?.rules ?? []),
    addressCell(status),
    spec?.tls?.length ? '80, 443' : '80',
    ageCell(ingress, now),
  ];
}

const HOSTS_SHOWN_MAX = 3;

/** What is left over counts rules, not hosts, as upstream does. */
function hostsCell(rules: readonly IngressRule[]): string {
  const hosts = rules.flatMap(({ host }) => (host ? [host] : []));
  const shown = hosts.slice(0, HOSTS_SHOWN_MAX);
  if (shown.length === 0) return '*';
  const last = rules.findIndex(({ host }) => host === shown[HOSTS_SHOWN_MAX - 1]);
  const more = shown.length === HOSTS_SHOWN_MAX && last < rules.length - 1;
  return shown.join(',') + (more ? ` + ${rules.length - HOSTS_SHOWN_MAX} more...` : '');
}

function addressCell(status: IngressStatus | undefined): string {
  const addresses = status?.loadBalancer?.ingress?.map(({ ip, hostname }) => ip || hostname || '');
  return [...new Set(addresses)]
    .filter(address => address !== '')
    .sort()
    .join(',');
}
