import {
  AGE_COLUMN,
  ageCell,
  column,
  NAME_COLUMN,
  type Node,
  type TableCell,
  type TableColumn,
} from 'kernetes/sdk';

export const NODE_COLUMNS: readonly TableColumn[] = [
  NAME_COLUMN,
  column('Status'),
  column('Roles'),
  AGE_COLUMN,
  column('Version'),
  column('Internal-IP', 1),
  column('External-IP', 1),
  column('OS-Image', 1),
  column('Kernel-Version', 1),
  column('Container-Runtime', 1),
];

export function nodeRow(node: Node, now: number): TableCell[] {
  const info = node.status?.nodeInfo;
  return [
    node.metadata.name ?? '',
    statusOf(node),
    rolesOf(node).join(',') || '<none>',
    ageCell(node, now),
    info?.kubeletVersion ?? '',
    addressOf(node, 'InternalIP'),
    addressOf(node, 'ExternalIP'),
    info?.osImage || '<unknown>',
    info?.kernelVersion || '<unknown>',
    info?.containerRuntimeVersion || '<unknown>',
  ];
}

function statusOf({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const word = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown';
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

/** From labels `node-role.kubernetes.io/<role>` and `kubernetes.io/role=<role>`. */
function rolesOf({ metadata }: Node): string[] {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === 'kubernetes.io/role') roles.add(value);
  }
  roles.delete('');
  return [...roles].sort();
}

function addressOf({ status }: Node, type: string): string {
  return status?.addresses?.find(address => address.type === type)?.address ?? '<none>';
}

const ROLE_PREFIX = 'node-role.kubernetes.io/';
