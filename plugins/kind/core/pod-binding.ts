import {
  type Binding,
  builtInSchema,
  conflict,
  defineSubresource,
  invalid,
  notSupported,
  type Pod,
  type PodCondition,
  type PodStatus,
  required,
  toTime,
} from 'kernetes/sdk';

/** POST of a Binding: gives the pod, once, to a node. What a scheduler's decision becomes. */
export const podBinding = defineSubresource<Pod>({
  name: 'binding',
  body: {
    group: '',
    version: 'v1',
    kind: 'Binding',
    schema: builtInSchema('', 'v1', 'Binding'),
  },
  verbs: ['create'],
  // The node is the one thing that an update may not change; `bind` checks by itself.
  validates: false,
  apply: (pod, body, { clock }) => {
    bind(pod, body as Binding, clock.now());
    return undefined;
  },
});

/** Throws Invalid or Conflict. */
export function bind(pod: Pod, binding: Binding, now: number): void {
  checkBinding(binding);
  refuseBound(pod, binding);
  pod.spec ??= { containers: [] };
  pod.spec.nodeName = binding.target.name ?? '';
  const { annotations } = binding.metadata ?? {};
  if (annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  pod.status ??= {};
  delete pod.status.nominatedNodeName;
  setCondition(pod.status, {
    type: 'PodScheduled',
    status: 'True',
    lastTransitionTime: toTime(now),
  });
}

function checkBinding({ metadata, target }: Binding): void {
  const errors = [];
  if (target?.kind && target.kind !== 'Node') {
    errors.push(notSupported('target.kind', target.kind, ['Node', '<empty>']));
  }
  if (!target?.name) errors.push(required('target.name'));
  if (errors.length > 0) {
    throw invalid({ group: '', kind: 'Binding' }, metadata?.name ?? '', errors);
  }
}

function refuseBound({ metadata, spec }: Pod, binding: Binding): void {
  const { name = '', uid } = metadata;
  const wanted = binding.metadata?.uid;
  const refuse = (why: string) => conflict({ group: '', resource: 'pods/binding' }, name, why);
  if (wanted && wanted !== uid) {
    throw refuse(`Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`);
  }
  if (metadata.deletionTimestamp) {
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (spec?.nodeName) {
    throw refuse(`pod ${name} is already assigned to node "${spec.nodeName}"`);
  }
  if ((spec?.schedulingGates ?? []).length > 0) {
    throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  }
}

function setCondition(status: PodStatus, condition: PodCondition): void {
  const others = (status.conditions ?? []).filter(({ type }) => type !== condition.type);
  status.conditions = [...others, condition];
}
