import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AdmissionRequest,
  type KubeObject,
  type Node,
  notFound,
  type Pod,
  type PodSpec,
  SIGNERS,
  type StringMap,
} from 'kernetes/sdk';
import { admissionRequest, makeCertificateRequest } from 'kernetes/sdk/testing';
import { nodeRestriction } from './node-restriction.ts';

const NODE = { name: 'system:node:n1', groups: ['system:nodes'] };
const plugin = nodeRestriction({
  async pod(_namespace, name) {
    if (name === 'none') throw notFound({ group: '', resource: 'pods' }, name);
    return pod(name, name === 'mine' ? 'n1' : 'n2');
  },
  node: async name => ({ metadata: { name, uid: 'u1' } }),
});

function pod(name: string, nodeName: string, spec: Partial<PodSpec> = {}): Pod {
  const metadata = { name, namespace: 'x', uid: `uid-${name}` };
  return { metadata, spec: { nodeName, containers: [{ name: 'c' }], ...spec } };
}

function mirror(spec: Partial<PodSpec> = {}, owner: object | undefined = {}): Pod {
  const made = pod('m', 'n1', spec);
  const ownerReferences = owner && [
    { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1', controller: true, ...owner },
  ];
  const annotations = { 'kubernetes.io/config.mirror': 'hash' };
  return {
    ...made,
    metadata: { ...made.metadata, annotations, ...(owner && { ownerReferences }) },
  };
}

const node = (labels: StringMap, spec: Node['spec'] = {}): Node => ({
  metadata: { name: 'n1', labels },
  spec,
});
const volume = (source: object) => ({ volumes: [{ name: 'v', ...source }] });
const token = (boundObjectRef?: object) =>
  ({
    metadata: {},
    spec: { audiences: [], ...(boundObjectRef && { boundObjectRef }) },
  }) as KubeObject;
const boundTo = (name: string, uid = `uid-${name}`) =>
  token({ apiVersion: 'v1', kind: 'Pod', name, uid });

type Given = Partial<AdmissionRequest>;
const NODES: Given = { resource: 'nodes' };
const TOKEN: Given = {
  resource: 'serviceaccounts',
  subresource: 'token',
  name: 'sa',
  namespace: 'x',
};
const STATUS: Given = { subresource: 'status' };
const EVICTION: Given = { subresource: 'eviction', namespace: 'x' };
const CERTIFICATES: Given = {
  group: 'certificates.k8s.io',
  resource: 'certificatesigningrequests',
};
const LEASES: Given = { group: 'coordination.k8s.io', resource: 'leases' };
const CLAIMS: Given = { resource: 'persistentvolumeclaims' };
const old = (oldObject: KubeObject): Given => ({ oldObject });
const lease = (name: string, namespace = 'kube-node-lease') => ({ metadata: { name, namespace } });
const claim = (spec: object, status: object = {}) =>
  ({ metadata: { name: 'c', namespace: 'x' }, spec, status }) as KubeObject;

const own = (await makeCertificateRequest('CN=system:node:n1, O=system:nodes')).base64;
const others = (await makeCertificateRequest('CN=system:node:n2, O=system:nodes')).base64;
const csr = (signerName: string, request: string) =>
  ({ metadata: { name: 'r' }, spec: { signerName, request } }) as KubeObject;
const OTHERS = 'can only create a node CSR with CN=system:node:n1';

const cases: readonly [string, KubeObject | undefined, Given, string?][] = [
  ['make a mirror pod of its own', mirror(), {}],
  [
    'make another pod',
    pod('p', 'n1'),
    {},
    'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
  ],
  [
    'make a mirror pod for another',
    mirror({ nodeName: 'n2' }),
    {},
    'node "n1" can only create pods with spec.nodeName set to itself',
  ],
  [
    'make one without an owner',
    mirror({}, { name: 'n2' }),
    {},
    'node "n1" can only create pods with an owner reference set to itself',
  ],
  [
    'make one without a controller',
    mirror({}, { controller: false }),
    {},
    'node "n1" can only create pods with a controller owner reference set to itself',
  ],
  [
    'make one that blocks its owner',
    mirror({}, { blockOwnerDeletion: true }),
    {},
    'node "n1" must not set blockOwnerDeletion on an owner reference',
  ],
  [
    'make one of an older node',
    mirror({}, { uid: 'u0' }),
    {},
    'node n1 UID mismatch: expected u0 got u1',
  ],
  [
    'refer to an account',
    mirror({ serviceAccountName: 'a' }),
    {},
    'node "n1" can not create pods that reference a service account',
  ],
  [
    'refer to secrets',
    mirror(volume({ secret: { secretName: 's' } })),
    {},
    'node "n1" can not create pods that reference secrets',
  ],
  [
    'refer to secrets in its environment',
    mirror({ containers: [{ name: 'c', envFrom: [{ secretRef: { name: 's' } }] }] }),
    {},
    'node "n1" can not create pods that reference secrets',
  ],
  [
    'refer to config maps',
    mirror(volume({ projected: { sources: [{ configMap: { name: 's' } }] } })),
    {},
    'node "n1" can not create pods that reference configmaps',
  ],
  [
    'refer to claims',
    mirror(volume({ persistentVolumeClaim: { claimName: 'c' } })),
    {},
    'node "n1" can not create pods that reference persistentvolumeclaims',
  ],
  [
    'refer to resource claims',
    mirror({ resourceClaims: [{ name: 'r' }] }),
    {},
    'node "n1" can not create pods that reference resourceclaims',
  ],
  [
    'change a pod',
    mirror(),
    old(mirror()),
    'unexpected operation "UPDATE", node "n1" can only create and delete mirror pods',
  ],
  ['delete its pod', undefined, old(pod('mine', 'n1'))],
  [
    'delete a pod of another',
    undefined,
    old(pod('p', 'n2')),
    'node "n1" can only delete pods with spec.nodeName set to itself',
  ],
  ['write the status of its pod', pod('mine', 'n1'), { ...STATUS, ...old(pod('mine', 'n1')) }],
  [
    'write that of another',
    pod('p', 'n1'),
    { ...STATUS, ...old(pod('p', 'n2')) },
    'node "n1" can only update pod status for pods with spec.nodeName set to itself',
  ],
  [
    'label a pod by its status',
    { metadata: { name: 'p', labels: { a: 'b' } } },
    { ...STATUS, ...old(pod('p', 'n1')) },
    'node "n1" cannot update labels through pod status',
  ],
  ['evict its pod', { metadata: {} }, { ...EVICTION, name: 'mine' }],
  [
    'evict another',
    { metadata: {} },
    { ...EVICTION, name: 'p' },
    'node n1 can only evict pods with spec.nodeName set to itself',
  ],
  [
    'use other subresources',
    { metadata: {} },
    { subresource: 'binding', name: 'p' },
    `unexpected pod subresource "binding", only 'status' and 'eviction' are allowed`,
  ],
  [
    'register itself',
    node(
      { 'kubernetes.io/hostname': 'n1', 'node.kubernetes.io/x': 'y', mine: 'z' },
      { taints: [{ key: 'a', effect: 'NoSchedule' }] },
    ),
    NODES,
  ],
  [
    'register with labels of others',
    node({ 'node-restriction.kubernetes.io/b': '', 'x.k8s.io/a': '', 'kubernetes.io/role': 'm' }),
    NODES,
    'node "n1" is not allowed to set the following labels: kubernetes.io/role, node-restriction.kubernetes.io/b, x.k8s.io/a',
  ],
  [
    'take such a label away',
    node({}),
    { ...NODES, ...old(node({ 'a.node-restriction.kubernetes.io/b': '' })) },
    'is not allowed to modify labels: a.node-restriction.kubernetes.io/b',
  ],
  [
    'keep such a label',
    node({ 'x.k8s.io/a': '' }),
    { ...NODES, ...old(node({ 'x.k8s.io/a': '' })) },
  ],
  [
    'change its taints',
    node({}, { taints: [] }),
    { ...NODES, ...old(node({}, { taints: [{ key: 'a', effect: 'NoSchedule' }] })) },
    'node "n1" is not allowed to modify taints',
  ],
  [
    'write another node',
    { metadata: { name: 'n2' } },
    NODES,
    'node "n1" is not allowed to modify node "n2"',
  ],
  ['ask for a token for its pod', boundTo('mine'), TOKEN],
  ['ask for a token for no pod', token(), TOKEN, 'node requested token not bound to a pod'],
  [
    'ask for one without a uid',
    boundTo('mine', ''),
    TOKEN,
    'node requested token with a pod binding without a uid',
  ],
  [
    'ask for one for an older pod',
    boundTo('mine', 'u'),
    TOKEN,
    'the UID in the bound object reference (u) does not match the UID in record. The object might have been deleted and then recreated',
  ],
  [
    "ask for another's",
    boundTo('p'),
    TOKEN,
    'node requested token bound to a pod scheduled on a different node',
  ],
  ['keep its lease', lease('n1'), LEASES],
  [
    "keep another's",
    lease('n2'),
    LEASES,
    'can only access node lease with the same name as the requesting node',
  ],
  [
    'keep one elsewhere',
    lease('n1', 'x'),
    LEASES,
    'can only access leases in the "kube-node-lease" system namespace',
  ],
  [
    'tell the size of a volume',
    claim({}, { capacity: { storage: '1' } }),
    { ...CLAIMS, ...STATUS, ...old(claim({})) },
  ],
  [
    'change a claim',
    claim({ a: 1 }),
    { ...CLAIMS, ...STATUS, ...old(claim({})) },
    'node "n1" is not allowed to update fields other than status.capacity and status.conditions',
  ],
  ['make a claim', claim({}), CLAIMS, 'may only update PVC status'],
  ['ask to be a client', csr(SIGNERS.kubeletClient, own), CERTIFICATES],
  ['ask to serve', csr(SIGNERS.kubeletServing, own), CERTIFICATES],
  ['ask to be another', csr(SIGNERS.kubeletClient, others), CERTIFICATES, OTHERS],
  ['ask to serve as another', csr(SIGNERS.kubeletServing, others), CERTIFICATES, OTHERS],
  ['ask another signer for anything', csr(SIGNERS.client, others), CERTIFICATES],
  [
    'ask for nothing',
    csr(SIGNERS.kubeletServing, ''),
    CERTIFICATES,
    'unable to parse csr: PEM block type must be CERTIFICATE REQUEST',
  ],
  [
    'be told of another',
    csr(SIGNERS.kubeletServing, others),
    { ...CERTIFICATES, ...STATUS, ...old(csr(SIGNERS.kubeletServing, others)) },
  ],
];

describe('a node', () => {
  for (const [title, object, given, why] of cases) {
    it(`${why ? 'may not' : 'may'} ${title}`, async () => {
      const request = admissionRequest(object, { user: NODE, ...given });
      const check = async () => void (await plugin.validate?.(request));
      if (why === undefined) return check();
      await assert.rejects(check, (error: Error) => {
        assert.equal(error.message.split(' is forbidden: ')[1], why);
        return true;
      });
    });
  }

  it('without a name is refused', async () => {
    const request = admissionRequest(mirror(), { user: { ...NODE, name: 'system:node:' } });
    const check = async () => void (await plugin.validate?.(request));
    await assert.rejects(check, /could not determine node from user "system:node:"/);
  });

  it('cannot evict what is not there', async () => {
    const request = admissionRequest({ metadata: {} }, { user: NODE, ...EVICTION, name: 'none' });
    const check = async () => void (await plugin.validate?.(request));
    await assert.rejects(check, { message: 'pods "none" not found' });
  });
});

it('users that are no nodes are not restricted', async () => {
  const request = admissionRequest(pod('p', 'n2'), { user: { name: 'bob', groups: [] } });
  assert.equal(await plugin.validate?.(request), undefined);
});
