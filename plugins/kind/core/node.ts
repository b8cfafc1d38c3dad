import { isDeepStrictEqual } from 'node:util';
import {
  duplicate,
  type FieldError,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  invalidValue,
  labelValueErrors,
  Node,
  type NodeSpec,
  nameFindings,
  notSupported,
  podCidrsOf,
  required,
  type Taint,
  validateLabelName,
  validateResourceName,
  validateResourceQuantity,
} from 'kernetes/sdk';
import { familyOf, validateCidr } from './cidr.ts';
import { coreKind } from './core-kind.ts';
import { NODE_COLUMNS, nodeRow } from './node-table.ts';

export const nodes = coreKind<Node>(Node, {
  directory: 'minions',
  shortNames: ['no'],
  columns: NODE_COLUMNS,
  row: nodeRow,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
  defaults: defaultNode,
  strategy: {
    status: true,
    keepStatusOnCreate: true,
    validate: validateNode,
    validateUpdate: validateNodeUpdate,
    validateStatusUpdate: validateResources,
  },
});

/** Go prints the members of a Node that are structures even when they are empty. */
function defaultNode(node: Node): void {
  node.spec ??= {};
  unifyPodCidrs(node.spec);
  node.status ??= {};
  const { status } = node;
  if (!status.allocatable && status.capacity) status.allocatable = { ...status.capacity };
  status.daemonEndpoints ??= {};
  status.daemonEndpoints.kubeletEndpoint ??= { Port: 0 };
  status.nodeInfo = { ...EMPTY_INFO, ...status.nodeInfo };
}

function validateNode(node: Node): FieldError[] {
  const { spec = {} } = node;
  return [
    ...validateTaints(spec.taints ?? [], fieldPath('spec', 'taints')),
    ...validateResources(node),
    ...validateCidrs(podCidrsOf(spec)),
  ];
}

function validateTaints(taints: readonly Taint[], parent: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, taint] of taints.entries()) {
    const path = parent.index(i);
    errors.push(...validateLabelName(taint.key, path.child('key')));
    const value = taint.value ?? '';
    errors.push(...nameFindings(path.child('value'), value, labelValueErrors(value)));
    if (!taint.effect) errors.push(required(path.child('effect')));
    else if (!EFFECTS.includes(taint.effect)) {
      errors.push(notSupported(path.child('effect'), taint.effect, EFFECTS));
    }
    const identity = `${taint.key}:${taint.effect}`;
    if (seen.has(identity)) {
      // Upstream says the rule in the value's place.
      errors.push(duplicate(path, 'taints must be unique by key and effect pair'));
    }
    seen.add(identity);
  }
  return errors;
}

function validateResources({ status }: Node): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['capacity', 'allocatable'] as const) {
    const resources = status?.[field] ?? {};
    for (const name of Object.keys(resources).sort()) {
      const path = fieldPath('status', field).key(name);
      errors.push(...validateResourceName(name, path));
      errors.push(...validateResourceQuantity(name, resources[name] ?? '0', path));
    }
  }
  return errors;
}

function validateCidrs(cidrs: readonly string[]): FieldError[] {
  const path = fieldPath('spec', 'podCIDRs');
  const errors = cidrs.flatMap((cidr, i) => validateCidr(cidr, path.index(i)));
  if (cidrs.length < 2) return errors;
  const families = new Set(cidrs.map(cidr => familyOf(cidr.split('/')[0] ?? '')));
  if (cidrs.length > 2 || families.size !== cidrs.length) {
    const why = 'may specify no more than one CIDR for each IP family';
    errors.push(invalidValue(path, cidrs, why));
  }
  return errors;
}

/** What is set once stays: other components build on it. */
function validateNodeUpdate({ spec = {} }: Node, { spec: old = {} }: Node): FieldError[] {
  const errors: FieldError[] = [];
  const [cidrs, oldCidrs] = [podCidrsOf(spec), podCidrsOf(old)];
  if (oldCidrs.length > 0 && !isDeepStrictEqual(cidrs, oldCidrs)) {
    const why = 'node updates may not change podCIDR except from "" to valid';
    errors.push(forbiddenValue(fieldPath('spec', 'podCIDRs'), why));
  }
  if (old.providerID && spec.providerID !== old.providerID) {
    const why = 'node updates may not change providerID except from "" to valid';
    errors.push(forbiddenValue(fieldPath('spec', 'providerID'), why));
  }
  return errors;
}

/** `podCIDR` is the first of `podCIDRs`; either may be given. */
function unifyPodCidrs(spec: NodeSpec): void {
  const first = spec.podCIDRs?.[0] ?? spec.podCIDR;
  if (!first) return;
  spec.podCIDRs ??= [first];
  spec.podCIDR = first;
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const EMPTY_INFO = {
  machineID: '',
  systemUUID: '',
  bootID: '',
  kernelVersion: '',
  osImage: '',
  containerRuntimeVersion: '',
  kubeletVersion: '',
  kubeProxyVersion: '',
  operatingSystem: '',
  architecture: '',
};
