import { containersOf, type Pod, type PodSpec } from 'kernetes/sdk';
import type { NodeRequest } from './node-restriction.ts';

/**
 * A node makes pods only to show those that it runs by itself: bound to it, owned by it, and
 * without a reference to anything that the pod's node may then read.
 */
export async function checkMirrorPod(asked: NodeRequest): Promise<void> {
  const { request, node, refuse } = asked;
  const { metadata, spec } = request.object as Pod;
  if (metadata.annotations?.[MIRROR] === undefined) {
    throw refuse(
      `pod does not have "${MIRROR}" annotation, node "${node}" can only create mirror pods`,
    );
  }
  if (spec?.nodeName !== node) {
    throw refuse(`node "${node}" can only create pods with spec.nodeName set to itself`);
  }
  await checkOwner(asked);
  if (spec.serviceAccountName) {
    throw refuse(`node "${node}" can not create pods that reference a service account`);
  }
  for (const [what, is] of REFERENCES) {
    if (is(spec)) throw refuse(`node "${node}" can not create pods that reference ${what}`);
  }
}

async function checkOwner({ request, node, objects, refuse }: NodeRequest): Promise<void> {
  const { ownerReferences = [] } = (request.object as Pod).metadata;
  const [owner] = ownerReferences;
  if (ownerReferences.length > 1) {
    const what = 'can only create pods with a single owner reference set to itself';
    throw refuse(`node "${node}" ${what}`);
  }
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw refuse(`node "${node}" can only create pods with an owner reference set to itself`);
  }
  if (!owner.controller) {
    const what = 'can only create pods with a controller owner reference set to itself';
    throw refuse(`node "${node}" ${what}`);
  }
  if (owner.blockOwnerDeletion) {
    throw refuse(`node "${node}" must not set blockOwnerDeletion on an owner reference`);
  }
  const { uid = '' } = (await objects.node(node)).metadata;
  if (owner.uid !== uid) {
    throw refuse(`node ${node} UID mismatch: expected ${owner.uid} got ${uid}`);
  }
}

type Finds = (spec: PodSpec) => boolean;

const REFERENCES: readonly (readonly [string, Finds])[] = [
  ['secrets', spec => mentions(spec, SECRET_FIELDS) || (spec.imagePullSecrets ?? []).length > 0],
  ['configmaps', spec => mentions(spec, CONFIG_MAP_FIELDS)],
  ['clustertrustbundles', spec => mentions(spec, ['clusterTrustBundle'])],
  ['persistentvolumeclaims', spec => mentions(spec, ['persistentVolumeClaim', 'ephemeral'])],
  ['resourceclaims', spec => (spec.resourceClaims ?? []).length > 0],
];

/** The fields by which volumes, `env` and `envFrom` refer to secrets. */
const SECRET_FIELDS = ['secret', 'secretRef', 'secretKeyRef', 'secretName', 'nodePublishSecretRef'];
const CONFIG_MAP_FIELDS = ['configMap', 'configMapRef', 'configMapKeyRef'];

function mentions(spec: PodSpec, fields: readonly string[]): boolean {
  const used = containersOf(spec).map(({ env, envFrom }) => [env, envFrom]);
  return hasField([spec.volumes, used], fields);
}

function hasField(value: unknown, fields: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, child]) => (fields.includes(key) && child !== undefined) || hasField(child, fields),
  );
}

const MIRROR = 'kubernetes.io/config.mirror';
