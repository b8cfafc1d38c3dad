import { isDeepStrictEqual } from 'node:util';
import {
  type AdmissionPlugin,
  type AdmissionRequest,
  admissionForbidden,
  type Node,
  nodeOfUser,
  type PersistentVolumeClaim,
  type Pod,
  type ResourceSlice,
  type TokenRequest,
} from 'kernetes/sdk';
import { checkCertificateRequest } from './certificate-request.ts';
import { forbiddenLabels } from './labels.ts';
import { checkMirrorPod } from './mirror-pod.ts';

/** Finds objects; rejects with NotFound. */
export interface Objects {
  pod(namespace: string, name: string): Promise<Pod>;
  node(name: string): Promise<Node>;
}

/** A node's request, and how to refuse it. */
export interface NodeRequest {
  readonly node: string;
  readonly request: AdmissionRequest;
  readonly objects: Objects;
  refuse(why: string): Error;
}

/** A kubelet changes its own Node and lease, and the pods that are bound to it. */
export function nodeRestriction(objects: Objects): AdmissionPlugin {
  return {
    rules: [
      {
        operations: ['CREATE', 'UPDATE', 'DELETE'],
        groups: [
          '',
          'certificates.k8s.io',
          'coordination.k8s.io',
          'storage.k8s.io',
          'resource.k8s.io',
        ],
        resources: ['*/*'],
      },
    ],
    validate(request) {
      const node = nodeOfUser(request.user);
      if (node === undefined) return undefined;
      const refuse = (why: string) => admissionForbidden(request, why);
      if (node === '') {
        throw refuse(`could not determine node from user ${JSON.stringify(request.user.name)}`);
      }
      return checks[`${request.resource}.${request.group}`]?.({ node, request, objects, refuse });
    },
  };
}

type Check = (asked: NodeRequest) => void | Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  'pods.': checkPod,
  'nodes.': checkNode,
  'persistentvolumeclaims.': checkClaim,
  'serviceaccounts.': checkToken,
  'certificatesigningrequests.certificates.k8s.io': checkCertificateRequest,
  'leases.coordination.k8s.io': checkLease,
  'csinodes.storage.k8s.io': checkCsiNode,
  'resourceslices.resource.k8s.io': checkSlice,
};

function checkPod(asked: NodeRequest): void | Promise<void> {
  const { request, node, refuse } = asked;
  const { operation, subresource, oldObject } = request;
  if (subresource === 'status') return checkPodStatus(asked);
  if (subresource === 'eviction') return checkEviction(asked);
  if (subresource !== '') {
    const what = `unexpected pod subresource ${JSON.stringify(subresource)}`;
    throw refuse(`${what}, only 'status' and 'eviction' are allowed`);
  }
  if (operation === 'CREATE') return checkMirrorPod(asked);
  if (operation !== 'DELETE') {
    const what = `unexpected operation "${operation}", node "${node}"`;
    throw refuse(`${what} can only create and delete mirror pods`);
  }
  if ((oldObject as Pod | undefined)?.spec?.nodeName !== node) {
    throw refuse(`node "${node}" can only delete pods with spec.nodeName set to itself`);
  }
}

function checkPodStatus({ request, node, refuse }: NodeRequest): void {
  if (request.operation !== 'UPDATE') throw refuse(`unexpected operation "${request.operation}"`);
  const pod = request.object as Pod;
  const old = request.oldObject as Pod;
  if (old.spec?.nodeName !== node) {
    const what = 'can only update pod status for pods with spec.nodeName set to itself';
    throw refuse(`node "${node}" ${what}`);
  }
  if (!isDeepStrictEqual(pod.metadata.labels ?? {}, { ...old.metadata.labels })) {
    throw refuse(`node "${node}" cannot update labels through pod status`);
  }
  const claims = ({ status }: Pod) => status?.resourceClaimStatuses ?? [];
  if (!isDeepStrictEqual(claims(pod), claims(old))) {
    throw refuse(`node "${node}" cannot update resource claim statues`);
  }
}

async function checkEviction({ request, node, objects, refuse }: NodeRequest): Promise<void> {
  if (request.operation !== 'CREATE') throw refuse(`unexpected operation ${request.operation}`);
  const name = request.name || request.object?.metadata?.name;
  if (!name) throw refuse('could not determine pod from request data');
  const pod = await objects.pod(request.namespace, name);
  if (pod.spec?.nodeName !== node) {
    throw refuse(`node ${node} can only evict pods with spec.nodeName set to itself`);
  }
}

function checkNode({ request, node, refuse }: NodeRequest): void {
  if (request.name !== node) {
    throw refuse(`node "${node}" is not allowed to modify node "${request.name}"`);
  }
  const old = request.oldObject as Node | undefined;
  const now = request.object as Node | undefined;
  if (now === undefined) return;
  const { configSource, taints = [] } = now.spec ?? {};
  const labels = forbiddenLabels(now.metadata.labels ?? {}, old?.metadata.labels ?? {}).join(', ');
  if (old === undefined) {
    if (configSource) {
      throw refuse(`node "${node}" is not allowed to create pods with a non-nil configSource`);
    }
    if (labels)
      throw refuse(`node "${node}" is not allowed to set the following labels: ${labels}`);
    return;
  }
  if (configSource && !isDeepStrictEqual(configSource, old.spec?.configSource)) {
    throw refuse(
      `node "${node}" is not allowed to update configSource to a new non-nil configSource`,
    );
  }
  if (!isDeepStrictEqual(taints, old.spec?.taints ?? [])) {
    throw refuse(`node "${node}" is not allowed to modify taints`);
  }
  if (labels) throw refuse(`is not allowed to modify labels: ${labels}`);
  const owners = ({ metadata }: Node) => metadata.ownerReferences ?? [];
  if (!isDeepStrictEqual(owners(now), owners(old))) {
    throw refuse(`node "${node}" is not allowed to modify ownerReferences`);
  }
}

function checkClaim({ request, node, refuse }: NodeRequest): void {
  if (request.subresource !== 'status') throw refuse('may only update PVC status');
  if (request.operation !== 'UPDATE') throw refuse(`unexpected operation "${request.operation}"`);
  const rest = ({ metadata, status, ...others }: PersistentVolumeClaim) => {
    const { resourceVersion, managedFields, ...meta } = metadata;
    const { capacity, conditions, allocatedResources, allocatedResourceStatuses, ...state } =
      status ?? {};
    return { ...others, metadata: meta, status: state };
  };
  const claim = rest(request.object as PersistentVolumeClaim);
  if (isDeepStrictEqual(claim, rest(request.oldObject as PersistentVolumeClaim))) return;
  const what = 'is not allowed to update fields other than status.capacity and status.conditions';
  throw refuse(`node "${node}" ${what}`);
}

async function checkToken({ request, node, objects, refuse }: NodeRequest): Promise<void> {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return;
  const bound = (request.object as TokenRequest).spec?.boundObjectRef;
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) {
    throw refuse('node requested token not bound to a pod');
  }
  if (!bound.uid) throw refuse('node requested token with a pod binding without a uid');
  const pod = await objects.pod(request.namespace, bound.name);
  if (pod.metadata.uid !== bound.uid) {
    throw refuse(
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record. ` +
        'The object might have been deleted and then recreated',
    );
  }
  if (pod.spec?.nodeName !== node) {
    throw refuse('node requested token bound to a pod scheduled on a different node');
  }
}

function checkLease({ request, node, refuse }: NodeRequest): void {
  if (request.namespace !== LEASES) {
    throw refuse(`can only access leases in the "${LEASES}" system namespace`);
  }
  if (request.name !== node) {
    throw refuse('can only access node lease with the same name as the requesting node');
  }
}

function checkCsiNode({ request, node, refuse }: NodeRequest): void {
  if (request.name !== node) {
    throw refuse('can only access CSINode with the same name as the requesting node');
  }
}

function checkSlice({ request, node, refuse }: NodeRequest): void {
  const { operation, object, oldObject } = request;
  const verb = operation === 'DELETE' ? 'delete' : 'create';
  for (const slice of [object, oldObject] as (ResourceSlice | undefined)[]) {
    if (slice === undefined || slice.spec.nodeName === node) continue;
    throw refuse(`can only ${verb} ResourceSlice with the same NodeName as the requesting node`);
  }
}

const LEASES = 'kube-node-lease';
