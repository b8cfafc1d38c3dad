import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  NAME_COLUMN,
  type NetworkPolicy,
  selectorText,
  type TableCell,
} from 'kernetes/sdk';
import { validateNetworkPolicy } from './network-policy-validation.ts';

export const networkPolicies = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  kind: 'NetworkPolicy',
  resource: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  namespaced: true,
  storage: { prefix: 'registry/networkpolicies', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('networking.k8s.io', 'v1', 'NetworkPolicy'),
      defaults: defaultNetworkPolicy,
      columns: [NAME_COLUMN, column('Pod-Selector'), AGE_COLUMN],
      row: networkPolicyRow,
    },
  ],
  strategy: { generation: true, validate: validateNetworkPolicy },
});

export function defaultNetworkPolicy({ spec }: NetworkPolicy): void {
  if (spec === undefined) return;
  spec.podSelector ??= {};
  for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const port of ports ?? []) port.protocol ??= 'TCP';
  }
  if (spec.policyTypes?.length) return;
  // Every policy is about ingress unless it says otherwise; egress only if it has such rules.
  spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
}

export function networkPolicyRow(policy: NetworkPolicy, now: number): TableCell[] {
  const { metadata, spec } = policy;
  return [metadata.name ?? '', selectorText(spec?.podSelector) || '<none>', ageCell(policy, now)];
}
