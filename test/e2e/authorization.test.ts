import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { eventually } from './eventually.ts';
import type { Reply } from './http.ts';
import { withoutKubectl } from './kubectl.ts';
import { startCluster } from './start-cluster.ts';

const { cluster, http, kubectl } = await startCluster({ nodes: 1 });
after(() => cluster.close());

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const REVIEWS = '/apis/authorization.k8s.io/v1';
const GROUP = 'rbac.authorization.k8s.io';
const AUTHENTICATED = 'system:authenticated';

/** A request of somebody else, as the administrator may make it. */
function as(user: string, method: string, path: string, body?: unknown): Promise<Reply> {
  const headers: Record<string, string> = { 'impersonate-user': user };
  if (user.startsWith('system:node:')) headers['impersonate-group'] = 'system:nodes';
  return http.call(method, path, { headers, body });
}

async function messageOf(reply: Promise<Reply>): Promise<string> {
  const { code, body } = await reply;
  return `${code} ${(JSON.parse(body.toString()) as { message?: string }).message ?? ''}`;
}

function retried(call: () => Promise<Reply>, code: number): Promise<Reply> {
  return eventually(async () => {
    const reply = await call();
    return reply.code === code ? reply : undefined;
  });
}

const role = (name: string, ...rules: object[]) => ({ metadata: { name }, rules });
const pods = (...verbs: string[]) => ({ apiGroups: [''], resources: ['pods'], verbs });
const bind = (name: string, kind: string, roleName: string, user: string) => ({
  metadata: { name },
  roleRef: { apiGroup: GROUP, kind, name: roleName },
  subjects: [{ kind: 'User', apiGroup: GROUP, name: user }],
});

describe('roles', () => {
  const roles = `${RBAC}/namespaces/default/roles`;
  const bindings = `${RBAC}/namespaces/default/rolebindings`;
  const PODS = '/api/v1/namespaces/default/pods';

  it('nobody may do what no role allows', async () => {
    assert.equal(
      await messageOf(as('alice', 'GET', PODS)),
      '403 pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the ' +
        'namespace "default"',
    );
    assert.equal((await as('alice', 'GET', '/metrics')).code, 403);
    assert.equal((await as('alice', 'GET', '/apis')).code, 200);
  });

  it('a binding counts when it and its role are there, and says what is missing', async () => {
    await http.json('POST', bindings, bind('alice', 'Role', 'reader', 'alice'));
    const missing = `role.${GROUP} "reader" not found`;
    await retried(async () => {
      const reply = await as('alice', 'GET', PODS);
      return reply.body.includes(`RBAC: ${missing.replaceAll('"', '\\"')}`)
        ? { ...reply, code: 0 }
        : reply;
    }, 0);
    await http.json('POST', roles, role('reader', pods('get', 'list')));
    await retried(() => as('alice', 'GET', PODS), 200);
    assert.equal((await as('alice', 'GET', '/api/v1/namespaces/kube-system/pods')).code, 403);
    assert.equal((await as('alice', 'GET', '/api/v1/pods')).code, 403);
    await http.json('DELETE', `${roles}/reader`);
    await retried(() => as('alice', 'GET', PODS), 403);
  });

  it('who may see one object by its name may list and watch it by its name', async () => {
    const one = { ...pods('get', 'list', 'watch', 'create'), resourceNames: ['one'] };
    await http.json('POST', roles, role('one', one));
    await http.json('POST', bindings, bind('one', 'Role', 'one', 'ann'));
    const selected = `${PODS}?fieldSelector=metadata.name%3Done`;
    await retried(() => as('ann', 'GET', selected), 200);
    assert.equal((await as('ann', 'GET', PODS)).code, 403);
    assert.equal((await as('ann', 'GET', `${PODS}?fieldSelector=metadata.name%3Dtwo`)).code, 403);
    assert.equal((await as('ann', 'GET', `${PODS}?fieldSelector=metadata.name!%3Done`)).code, 403);
    assert.equal((await as('ann', 'GET', `${PODS}/two`)).code, 403);
    assert.equal((await as('ann', 'POST', PODS, { metadata: { name: 'one' } })).code, 403);
  });

  it('nobody gives away more than they hold', async () => {
    const writer = { apiGroups: [GROUP], resources: ['*'], verbs: ['*'] };
    const words = { ...writer, verbs: ['create', 'update', 'get'] };
    await http.json('POST', roles, role('writer', words, pods('get')));
    await http.json('POST', bindings, bind('writer', 'Role', 'writer', 'eve'));
    await retried(() => as('eve', 'POST', roles, role('mine', pods('get'))), 201);
    const refused = await messageOf(as('eve', 'POST', roles, role('more', pods('get', 'delete'))));
    const why =
      `user "eve" (groups=["${AUTHENTICATED}"]) is attempting to grant RBAC permissions not ` +
      'currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}';
    assert.equal(refused, `403 roles.${GROUP} "more" is forbidden: ${why}`);
    const admin = bind('admin', 'ClusterRole', 'cluster-admin', 'eve');
    assert.match(
      await messageOf(as('eve', 'POST', bindings, admin)),
      /^403 .*not currently held:\n\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}\n/,
    );
    const none = bind('none', 'ClusterRole', 'none', 'eve');
    const unknown = `404 clusterroles.${GROUP} "none" not found`;
    assert.equal(await messageOf(as('eve', 'POST', bindings, none)), unknown);
  });

  it('a role that is labelled so becomes part of edit and admin', async () => {
    const labels = { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' };
    const things = { apiGroups: ['example.dev'], resources: ['things'], verbs: ['get'] };
    const part = { metadata: { name: 'things', labels }, rules: [things] };
    await http.json('POST', `${RBAC}/clusterroles`, part);
    await http.json('POST', bindings, bind('ed', 'ClusterRole', 'admin', 'ed'));
    const path = `${REVIEWS}/selfsubjectaccessreviews`;
    const resourceAttributes = {
      ...{ verb: 'get', group: 'example.dev', resource: 'things', namespace: 'default' },
    };
    await retried(async () => {
      const reply = await as('ed', 'POST', path, { spec: { resourceAttributes } });
      const { status } = JSON.parse(reply.body.toString()) as { status: { allowed: boolean } };
      return status.allowed ? reply : { ...reply, code: 0 };
    }, 201);
  });
});

describe('nodes', () => {
  it('a kubelet reads what its pods refer to, and writes what is its own', async () => {
    const secrets = '/api/v1/namespaces/default/secrets';
    await http.json('POST', secrets, { metadata: { name: 'mounted' } });
    await http.json('POST', secrets, { metadata: { name: 'other' } });
    const envFrom = [{ secretRef: { name: 'mounted' } }];
    const spec = { nodeName: 'node-1', containers: [{ name: 'c', image: 'i', envFrom }] };
    await http.json('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'p' }, spec });
    const node = 'system:node:node-1';
    await retried(() => as(node, 'GET', `${secrets}/mounted`), 200);
    assert.match(
      await messageOf(as(node, 'GET', `${secrets}/other`)),
      /: no relationship found between node 'node-1' and this object$/,
    );
    assert.equal((await as('system:node:node-2', 'GET', `${secrets}/mounted`)).code, 403);
    assert.match(
      await messageOf(
        as(node, 'POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'q' }, spec }),
      ),
      /can only create mirror pods$/,
    );
  });
});

describe('kubectl auth', { skip: withoutKubectl() }, () => {
  const can = (words: string) =>
    kubectl.run(`auth can-i ${words}`).then(text => text.trim(), exitedWith);

  it('can-i answers for oneself and others', async () => {
    assert.equal(await can('create deployments'), 'yes');
    assert.equal(await can('delete pods --as=nobody'), 'no');
    assert.equal(await can('delete pods --as=nobody --as-group=system:masters'), 'yes');
    assert.equal(await can('get /version --as=nobody'), 'yes');
    assert.equal(await can('get /metrics --as=nobody'), 'no');
  });

  it('can-i --list tells what everybody may', async () => {
    const list = await kubectl.run('auth can-i --list --as=nobody');
    assert.match(list, /selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]/);
    assert.match(list, /\[\/healthz\] +\[\] +\[get\]/);
  });

  it('reconcile makes a role and adds to it', async () => {
    const apply = (...verbs: string[]) => {
      const metadata = { name: 'made', namespace: 'default' };
      const file = { apiVersion: `${GROUP}/v1`, kind: 'Role', metadata, rules: [pods(...verbs)] };
      const script = `echo '${JSON.stringify(file)}' | kubectl auth reconcile -f -`;
      return kubectl.program('sh', ['-c', script]);
    };
    assert.match(await apply('get'), /role\.rbac\.authorization\.k8s\.io\/made reconciled/);
    assert.match(await apply('list'), /made reconciled/);
    const made = await kubectl.run('get role made -n default -o jsonpath={.rules[*].verbs}');
    assert.match(made, /get.*list/);
  });
});

/** `can-i` says no with an exit code too. */
function exitedWith(error: unknown): string {
  const { stdout } = error as { stdout?: string };
  if (stdout === undefined) throw error;
  return stdout.trim();
}
