import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { until } from './eventually.ts';
import { Http, jsonOf, type Reply } from './http.ts';

/** What somebody tries who should not get in, and what he is told. */

const RBAC = 'rbac.authorization.k8s.io';
const ROLES = `/apis/${RBAC}/v1`;

/** Tokens by what their users may do. */
const USERS = {
  /** Nothing but what everybody may. */
  nobody: 'token-of-nobody',
  /** The cluster role `edit` in namespace x. */
  editor: 'token-of-editor',
  /** The cluster role `cluster-admin`, in namespace x. */
  owner: 'token-of-owner',
  /** Everything with pods/status and deployments/scale. */
  teller: 'token-of-teller',
  /** To create pods and config maps everywhere. */
  writer: 'token-of-writer',
  /** To get, patch and update config maps, leases, roles and bindings; the Secret `only`. */
  patcher: 'token-of-patcher',
  node: 'token-of-node',
} as const;
type Who = keyof typeof USERS | 'anonymous';

const rule = (apiGroups: string[], resources: string[], verbs: string[], names?: string[]) => ({
  apiGroups,
  resources,
  verbs,
  ...(names && { resourceNames: names }),
});
const subject = (name: string) => ({ kind: 'User', apiGroup: RBAC, name });
const roleRef = (name: string) => ({ apiGroup: RBAC, kind: 'ClusterRole', name });
const binding = (name: string, role: string, user: string, namespace?: string) => ({
  apiVersion: `${RBAC}/v1`,
  kind: namespace ? 'RoleBinding' : 'ClusterRoleBinding',
  metadata: { name, ...(namespace && { namespace }) },
  roleRef: roleRef(role),
  subjects: [subject(user)],
});
const clusterRole = (name: string, rules: object[]) => ({
  apiVersion: `${RBAC}/v1`,
  kind: 'ClusterRole',
  metadata: { name },
  rules,
});

const MANIFEST = [
  ...['x', 'y'].map(name => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  binding('editor', 'edit', 'editor', 'x'),
  binding('owner', 'cluster-admin', 'owner', 'x'),
  clusterRole('teller', [rule(['', 'apps'], ['pods/status', 'deployments/scale'], ['*'])]),
  binding('teller', 'teller', 'teller'),
  clusterRole('writer', [rule([''], ['pods', 'configmaps'], ['create'])]),
  binding('writer', 'writer', 'writer'),
  clusterRole('patcher', [
    rule([''], ['configmaps'], ['get', 'patch', 'update']),
    rule(['coordination.k8s.io'], ['leases'], ['get', 'patch', 'update']),
    rule([RBAC], ['*'], ['get', 'patch', 'update']),
    rule([''], ['secrets'], ['get', 'list', 'watch', 'create', 'deletecollection'], ['only']),
  ]),
  binding('patcher', 'patcher', 'patcher'),
  // To a role that nobody has made yet.
  binding('dangling', 'later', 'nobody'),
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'y' },
    stringData: { a: 'hidden' },
  },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'x' } },
];

interface Attempt {
  readonly who: Who;
  /** `GET /version` */
  readonly what: string;
  readonly code: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const to = (who: Who, code: number, ...all: string[]): Attempt[] =>
  all.map(what => ({ who, what, code }));
const MERGE = { 'content-type': 'application/merge-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const MASTERS = { subjects: [subject('patcher')] };

const PATHS = to(
  'anonymous',
  403,
  'GET /api/v1/secrets',
  'GET /api/v1/secrets/',
  'GET //api/v1/secrets',
  'GET /api//v1/secrets',
  'GET /api/v1//secrets',
  'GET /api/v1/./secrets',
  'GET /api/v1/../v1/secrets',
  'GET /API/v1/secrets',
  'GET /%61pi/v1/secrets',
  'GET /api/v1/%73ecrets',
  'GET /api/v1/secrets%00',
  'GET /api/v1/secrets%2f',
  'GET /apis//v1/secrets',
  'GET /apis/core/v1/secrets',
  'GET https://elsewhere/api/v1/secrets',
  'GET /healthz/../api/v1/secrets',
  'GET /version/../api/v1/secrets',
  'GET /version;/api/v1/secrets',
  'HEAD /api/v1/secrets',
  'GET /api/v1/secrets?watch=1',
  'GET /api/v1/watch/secrets',
  'GET /api/v1/watch/namespaces/y/secrets/s',
  'GET /api/v1/namespaces/y/secrets/s%00',
  'GET /api/v1/namespaces/y/secrets/s/status',
  'GET /api/v1/nodes/node-1/proxy/',
  'GET /api/v1/namespaces/y/services/s/proxy/..%2f..',
  'GET /metrics',
  'GET /logs',
  'POST /version',
);

const KINDS_ARE_NOT_TOLD = to(
  'anonymous',
  403,
  'GET /api/v1/nothings',
  'GET /apis/apps/v1/nothings',
  'GET /apis/none.example/v1/nothings',
  'POST /apis/apps/v1/namespaces/x/deployments',
  'GET /apis/apps/v1/deployments?limit=x',
  'GET /api/v1/namespaces/y/nothings/a/proxy',
);

const NAMES = to(
  'nobody',
  400,
  'GET /api/v1/namespaces/y%2fsecrets/s',
  'GET /api/v1/namespaces/x%2f..%2fy/secrets',
  'GET /api/v1/namespaces/y/secrets/..%2fs',
  'GET /api/v1/namespaces/../secrets',
);

const NAMESPACES = [
  ...to(
    'owner',
    404,
    'GET /api/v1/namespaces/x/nodes',
    'GET /api/v1/namespaces/x/nodes/node-1',
    'GET /api/v1/namespaces/x/nodes/node-1/proxy/pods',
    'GET /api/v1/namespaces/x/namespaces/y',
    `GET ${ROLES}/namespaces/x/clusterroles/cluster-admin`,
    `DELETE ${ROLES}/namespaces/x/clusterroles/edit`,
    `GET ${ROLES}/watch/namespaces/x/clusterroles`,
  ),
  {
    who: 'owner',
    what: `POST ${ROLES}/namespaces/x/clusterrolebindings`,
    code: 404,
    body: binding('pwn', 'cluster-admin', 'owner'),
  },
  {
    who: 'owner',
    what: `POST ${ROLES}/clusterrolebindings`,
    code: 403,
    body: binding('pwn', 'cluster-admin', 'owner'),
  },
  ...to('editor', 200, 'GET /api/v1/namespaces/x'),
  ...to(
    'editor',
    403,
    'GET /api/v1/namespaces/y',
    'GET /api/v1/namespaces',
    'GET /api/v1/namespaces?fieldSelector=metadata.name=x',
    'DELETE /api/v1/namespaces/x',
    'PUT /api/v1/namespaces/x/finalize',
    'PUT /api/v1/namespaces/x/status',
    'GET /api/v1/namespaces/y/secrets/s',
    'GET /api/v1/namespaces//secrets',
    'GET /api/v1/secrets?fieldSelector=metadata.namespace=x',
  ),
  ...(['pods', 'configmaps'] as const).map(resource => ({
    who: 'writer' as const,
    what: `POST /api/v1/${resource}`,
    code: 405,
    body: { metadata: { name: 'a', namespace: 'nonesuch' } },
  })),
] satisfies Attempt[];

const SUBRESOURCES = [
  ...to(
    'teller',
    405,
    'DELETE /api/v1/namespaces/x/pods/p/status',
    'DELETE /apis/apps/v1/namespaces/x/deployments/d/scale',
  ),
  ...to(
    'teller',
    404,
    'GET /api/v1/namespaces/x/pods//status',
    'DELETE /api/v1/namespaces/x/pods//status',
    'GET /apis/apps/v1/namespaces/x/deployments//scale',
    'GET /api/v1/namespaces/x/pods%2fstatus/p',
    'GET /api/v1/namespaces/x/pods//status?watch=1',
    'GET /api/v1/watch/namespaces/x/pods/p/status',
  ),
  ...to(
    'teller',
    403,
    'GET /api/v1/namespaces/x/pods/p',
    'GET /api/v1/namespaces/x/pods/p/status/more',
  ),
  ...[
    'pods/p/binding',
    'bindings',
    'pods/p/ephemeralcontainers',
    'serviceaccounts/default/token/x',
  ].map(path => ({
    who: 'editor' as const,
    what: `POST /api/v1/namespaces/x/${path}`,
    code: 403,
    body: { metadata: { name: 'p' }, target: { name: 'node-1' } },
  })),
] satisfies Attempt[];

const CREATED_BY_THE_WAY = [
  {
    what: 'PATCH /api/v1/namespaces/x/configmaps/new?fieldManager=m',
    headers: APPLY,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' } },
  },
  { what: `PUT ${ROLES}/clusterroles/new`, body: { metadata: { name: 'new' } } },
  {
    what: 'PUT /apis/coordination.k8s.io/v1/namespaces/x/leases/new',
    body: { metadata: { name: 'new' } },
  },
].map(each => ({ ...each, who: 'patcher' as const, code: 403 }));

const ESCALATION = [
  { path: 'clusterrolebindings/cluster-admin', body: MASTERS },
  { path: 'clusterrolebindings/dangling', body: MASTERS, code: 404 },
  { path: 'clusterrolebindings/patcher', body: { roleRef: { name: 'cluster-admin' } }, code: 422 },
  { path: 'clusterroles/patcher', body: { rules: [rule(['*'], ['*/*'], ['*'])] } },
  { path: 'clusterroles/patcher', body: { rules: [rule([''], ['secrets'], ['list'], [''])] } },
  { path: 'clusterroles/patcher', body: { rules: [rule([RBAC], ['*'], ['escalate'])] } },
  {
    path: 'clusterroles/patcher',
    body: { rules: [{ nonResourceURLs: ['/m*s'], verbs: ['get'] }] },
  },
  {
    path: 'clusterroles/patcher',
    body: { aggregationRule: { clusterRoleSelectors: [{ matchLabels: {} }] } },
  },
  { path: 'clusterroles/patcher', body: { rules: [null] }, code: 422 },
  {
    path: 'clusterroles/patcher',
    body: { rules: [{ apiGroups: '*', resources: '*', verbs: '*' }] },
    code: 400,
  },
].map(({ path, body, code = 403 }) => ({
  who: 'patcher' as const,
  what: `PATCH ${ROLES}/${path}`,
  headers: MERGE,
  body,
  code,
}));

const BY_NAME = [
  ...to(
    'patcher',
    200,
    'GET /api/v1/namespaces/y/secrets?fieldSelector=metadata.name=only',
    'GET /api/v1/namespaces/y/secrets?fieldSelector=metadata.name=only,metadata.name=s',
    'GET /api/v1/namespaces/y/secrets?fieldSelector=metadata.name=only&fieldSelector=metadata.name=s',
    'GET /api/v1/watch/namespaces/y/secrets/only?timeoutSeconds=1',
  ),
  ...to(
    'patcher',
    403,
    'GET /api/v1/namespaces/y/secrets',
    'GET /api/v1/namespaces/y/secrets?fieldSelector=metadata.name!=only',
    'GET /api/v1/namespaces/y/secrets/s?fieldSelector=metadata.name=only',
    'DELETE /api/v1/namespaces/y/secrets?fieldSelector=metadata.name=only',
  ),
  ...to(
    'patcher',
    400,
    'GET /api/v1/watch/namespaces/y/secrets/s?fieldSelector=metadata.name=only',
  ),
  {
    who: 'patcher',
    what: 'POST /api/v1/namespaces/y/secrets',
    code: 403,
    body: { metadata: { name: 'only' } },
  },
] satisfies Attempt[];

const REVIEWS = [
  { what: '/apis/authentication.k8s.io/v1/tokenreviews', spec: { token: USERS.owner } },
  { what: '/apis/authorization.k8s.io/v1/subjectaccessreviews', spec: { user: 'owner' } },
  {
    what: '/apis/authorization.k8s.io/v1/namespaces/x/localsubjectaccessreviews',
    spec: { user: 'owner' },
  },
].map(({ what, spec }) => ({
  who: 'editor' as const,
  what: `POST ${what}`,
  body: { spec },
  code: 403,
}));

const OTHERS_NAMES = [
  { 'impersonate-user': 'owner' },
  { 'IMPERSONATE-USER': 'owner' },
  { 'impersonate-user': 'nobody', 'impersonate-group': 'system:masters' },
  { 'impersonate-user': 'system:serviceaccount:kube-system:default' },
].map(headers => ({ who: 'nobody' as const, what: 'GET /version', code: 403, headers }));
const NOBODYS_NAMES = [
  { 'impersonate-group': 'system:masters' },
  { 'impersonate-user': '', 'impersonate-group': 'system:masters' },
  { 'impersonate-uid': '1' },
  { 'impersonate-extra-a%2fb': 'c' },
].map(headers => ({ who: 'nobody' as const, what: 'GET /version', code: 500, headers }));
const FORGED_NAMES = [{ 'x-remote-user': 'owner', 'x-remote-group': 'system:masters' }].map(
  headers => ({ who: 'nobody' as const, what: 'GET /api/v1/secrets', code: 403, headers }),
);
const CREDENTIALS = ['Bearer none', 'Bearer ', '', 'Basic b3duZXI6', 'bearer', 'Bearer a b'].map(
  authorization => ({
    who: 'anonymous' as const,
    what: 'GET /version',
    code: 401,
    headers: { authorization },
  }),
);

const NODE = [
  ...to(
    'node',
    403,
    'GET /api/v1/secrets',
    'GET /api/v1/namespaces/y/secrets/s',
    'GET /api/v1/namespaces/y/secrets?fieldSelector=metadata.name=s',
    'GET /api/v1/nodes',
    'GET /api/v1/nodes/node-2',
    'GET /api/v1/pods',
    'GET /api/v1/pods?fieldSelector=spec.nodeName=node-2',
    'GET /api/v1/pods?fieldSelector=spec.nodeName!=node-1',
    'DELETE /api/v1/nodes/node-1',
    'GET /api/v1/nodes/node-1/proxy/',
  ),
  {
    who: 'node',
    what: 'PATCH /api/v1/nodes/node-2/status',
    headers: MERGE,
    body: { status: {} },
    code: 403,
  },
  {
    who: 'node',
    what: 'POST /api/v1/namespaces/x/pods',
    body: {
      metadata: { name: 'reader' },
      spec: { nodeName: 'node-1', containers: [{ name: 'a', image: 'a' }] },
    },
    code: 403,
  },
  {
    who: 'node',
    what: 'POST /api/v1/namespaces/kube-system/serviceaccounts/default/token',
    body: { spec: {} },
    code: 403,
  },
] satisfies Attempt[];

describe('the door is shut', { timeout: 60_000 }, () => {
  let folder: string;
  let cluster: Cluster;
  let admin: Http;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'door-is-shut-'));
    const rows = Object.entries(USERS).map(([name, token]) =>
      name === 'node' ? `${token},system:node:node-1,9,system:nodes` : `${token},${name},1`,
    );
    const tokenAuthFile = join(folder, 'tokens.csv');
    await writeFile(tokenAuthFile, `${rows.join('\n')}\n`);
    cluster = await createCluster({ nodes: 2, tokenAuthFile });
    for (const object of MANIFEST) await cluster.apply(object);
    admin = Http.of(await cluster.kubeconfig());
    // What RBAC decides by follows what was written.
    const edit = `${ROLES}/clusterroles/edit`;
    await until(async () => (await attempt('patcher', 'GET', edit)).code === 200);
  });
  after(async () => {
    await cluster?.close();
    await rm(folder, { recursive: true });
  });

  function attempt(who: Who, method: string, path: string, call: Partial<Attempt> = {}) {
    const { body, headers } = call;
    const authorization = who === 'anonymous' ? {} : { authorization: `Bearer ${USERS[who]}` };
    return admin
      .anonymous()
      .call(method, path, { body, headers: { ...authorization, ...headers } });
  }

  const tables: Readonly<Record<string, readonly Attempt[]>> = {
    'to paths in disguise': PATHS,
    'to who would hear which kinds there are': KINDS_ARE_NOT_TOLD,
    'to names that lead elsewhere': NAMES,
    'between namespaces, and between them and the cluster': NAMESPACES,
    'from a subresource to its object': SUBRESOURCES,
    'to who would create by another verb': CREATED_BY_THE_WAY,
    'to who would have more rights than he has': ESCALATION,
    'to all names but the one': BY_NAME,
    'to who asks about others': REVIEWS,
    'to who would be somebody else': [...OTHERS_NAMES, ...NOBODYS_NAMES, ...FORGED_NAMES],
    'to wrong credentials': CREDENTIALS,
    'to a node that looks around': NODE,
  };
  for (const [title, attempts] of Object.entries(tables)) {
    it(title, async () => {
      const told = await Promise.all(
        attempts.map(async ({ who, what, ...call }) => {
          const [method = '', path = ''] = what.split(' ');
          const reply = await attempt(who, method, path, call);
          assert.ok(!reply.body.includes('aGlkZGVu'), `${who} ${what} read a secret`);
          return `${who} ${what} -> ${reply.code}`;
        }),
      );
      assert.deepEqual(
        told,
        attempts.map(({ who, what, code }) => `${who} ${what} -> ${code}`),
      );
    });
  }

  it('to a continue token of another namespace', async () => {
    const pages = ['kube-system/', 'y/'].map(start => {
      const token = JSON.stringify({ v: 'meta.k8s.io/v1', rv: -1, start: `${start}a` });
      const given = Buffer.from(token).toString('base64url');
      return attempt('editor', 'GET', `/api/v1/namespaces/x/configmaps?limit=9&continue=${given}`);
    });
    for (const reply of await Promise.all(pages)) assert.deepEqual(namespacesOf(reply, 'x'), []);
  });
});

/** Those of the objects in a list that are not the one namespace. */
function namespacesOf(reply: Reply, but: string): (string | undefined)[] {
  const { items } = jsonOf<{ items: { metadata: { namespace?: string } }[] }>(reply);
  return items.map(({ metadata }) => metadata.namespace).filter(each => each !== but);
}
