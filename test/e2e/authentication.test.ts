import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { type Cluster, createCluster } from 'kernetes';
import {
  ConfigMap,
  Namespace,
  Pod,
  Secret,
  ServiceAccount,
  type TokenRequest,
  type TokenReview,
} from 'kernetes/sdk';
import { issuePki } from '../../kernel/pki-issuer.ts';
import { Http, jsonOf } from './http.ts';
import { Kubectl, withoutKubectl } from './kubectl.ts';

/** Who somebody is, over HTTPS as real clients show it. */

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const DAY_MS = 24 * 3_600_000;

let folder: string;
let cluster: Cluster;
let http: Http;
let kubeconfig: string;

async function start(): Promise<void> {
  cluster = await createCluster({
    nodes: 0,
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    tokenAuthFile: join(folder, 'tokens.csv'),
  });
  kubeconfig = await cluster.kubeconfig();
  http = Http.of(kubeconfig);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authentication-'));
  await writeFile(join(folder, 'tokens.csv'), 'alices-token,alice,7,"dev,system:masters"\n');
  await start();
});
after(async () => {
  await cluster.close();
  await rm(folder, { recursive: true });
});

async function account(name: string): Promise<void> {
  await cluster.objects.create(ServiceAccount, { metadata: { name, namespace: 'default' } });
}

async function tokenOf(name: string, spec: TokenRequest['spec'] = {}): Promise<string> {
  const path = `${ACCOUNTS}/${name}/token`;
  const { status } = await http.json<TokenRequest>('POST', path, { spec });
  return status?.token ?? '';
}

/** Who the server takes somebody for; `401` when it does not. */
async function whoIs(
  headers: Readonly<Record<string, string>>,
  client: Http = http.anonymous(),
): Promise<string> {
  const reply = await client.call('POST', WHOAMI, { headers, body: {} });
  if (reply.code !== 201) return String(reply.code);
  const { status } = jsonOf<{ status: { userInfo: { username: string } } }>(reply);
  return status.userInfo.username;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const ROBOT = 'system:serviceaccount:default:robot';

/** A client with a certificate of the cluster's own CA, or of another. */
async function certified(now: number, own: boolean): Promise<{ admin: Http; server: Http }> {
  const [certificate, key] = await Promise.all(
    ['ca.crt', 'ca.key'].map(name => readFile(join(folder, 'data/pki', name), 'utf8')),
  );
  assert.ok(certificate && key);
  const pki = await issuePki({ hosts: ['x'], now, ...(own && { ca: { certificate, key } }) });
  const client = ({ certificate: cert, key }: { certificate: string; key: string }) =>
    new Http(http.server, { ...http.tls, cert: Buffer.from(cert), key: Buffer.from(key) });
  return { admin: client(pki.admin), server: client(pki.server) };
}

describe('credentials', () => {
  before(() => account('robot'));

  it('a token of the file, of an account and a certificate say who one is', async () => {
    assert.equal(await whoIs(bearer('alices-token')), 'alice');
    assert.equal(await whoIs(bearer(await tokenOf('robot'))), ROBOT);
    assert.equal(await whoIs({}, http), 'kubernetes-admin');
    const { admin } = await certified(Date.now(), true);
    assert.equal(await whoIs({}, admin), 'kubernetes-admin');
  });

  it('what is no good is 401, and no anonymous user', async () => {
    const token = await tokenOf('robot');
    const vault = await tokenOf('robot', { audiences: ['vault'] });
    const bad: Record<string, string>[] = [
      bearer('nobodys-token'),
      bearer('alices-token2'),
      bearer(token.slice(0, -1)),
      bearer(`${token}x`),
      bearer(token.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString('base64url'))),
      bearer(vault),
      bearer(''),
      bearer(`${token} ${token}`),
      bearer('x'.repeat(10_000)),
      { authorization: token },
      { authorization: 'Bearer' },
      { authorization: 'Basic YWRtaW46YWRtaW4=' },
      { authorization: 'Negotiate x' },
    ];
    for (const headers of bad) {
      assert.equal(await whoIs(headers), '401', headers.authorization?.slice(0, 40));
    }
    const reply = await http.anonymous().call('GET', '/version', { headers: bearer('x') });
    const { kind, message, reason, code } = jsonOf(reply);
    assert.deepEqual(
      [kind, message, reason, code],
      ['Status', 'Unauthorized', 'Unauthorized', 401],
    );
    const long = await http.anonymous().call('GET', '/version', {
      headers: bearer('x'.repeat(1_100_000)),
    });
    assert.equal(long.code, 431);
  });

  it('a certificate that is over, foreign, or for servers is 401', async () => {
    const now = Date.now();
    assert.equal(await whoIs({}, (await certified(now - 800 * DAY_MS, true)).admin), '401');
    assert.equal(await whoIs({}, (await certified(now + 2 * DAY_MS, true)).admin), '401');
    assert.equal(await whoIs({}, (await certified(now, false)).admin), '401');
    assert.equal(await whoIs({}, (await certified(now, true)).server), '401');
  });

  it('a good certificate stands beside a bad token, a good token beside a bad certificate', async () => {
    assert.equal(await whoIs(bearer('nonsense'), http), 'kubernetes-admin');
    const { admin } = await certified(Date.now(), false);
    assert.equal(await whoIs(bearer('alices-token'), admin), 'alice');
    assert.equal(await whoIs(bearer('nonsense'), admin), '401');
  });

  it('a token ends with what it is bound to, and with its account', async () => {
    await account('mortal');
    const place = { namespace: 'default' };
    const spec = { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'mortal' };
    await cluster.objects.create(Pod, { metadata: { name: 'web', ...place }, spec });
    const pod = { apiVersion: 'v1', kind: 'Pod', name: 'web' };
    const bound = bearer(await tokenOf('mortal', { boundObjectRef: pod }));
    const free = bearer(await tokenOf('mortal'));
    assert.equal(await whoIs(bound), 'system:serviceaccount:default:mortal');
    await cluster.objects.delete(Pod, { ...place, name: 'web' }, { gracePeriodSeconds: 0 });
    assert.equal(await whoIs(bound), '401');
    assert.equal(await whoIs(free), 'system:serviceaccount:default:mortal');
    await cluster.objects.delete(ServiceAccount, { ...place, name: 'mortal' });
    assert.equal(await whoIs(free), '401');
    await account('mortal');
    assert.equal(await whoIs(free), '401');
  });

  it('a Secret for an account gets a token that is good until the Secret is deleted', async () => {
    const key = { namespace: 'default', name: 'robot-token' };
    const annotations = { 'kubernetes.io/service-account.name': 'robot' };
    await cluster.objects.create(Secret, {
      metadata: { ...key, annotations },
      type: 'kubernetes.io/service-account-token',
    });
    const { data = {} } = await cluster.until({ kind: Secret, ...key }, secret =>
      Boolean(secret.data?.token && secret.data['ca.crt']),
    );
    const token = bearer(atob(data.token ?? ''));
    assert.equal(atob(data.namespace ?? ''), 'default');
    assert.equal(atob(data['ca.crt'] ?? ''), http.tls.ca.toString());
    assert.equal(await whoIs(token), ROBOT);
    await cluster.objects.delete(Secret, key);
    assert.equal(await whoIs(token), '401');
  });

  it('a bootstrap token is good until its Secret is deleted, which its end does', async () => {
    const token = 'abcdef.0123456789abcdef';
    const key = { namespace: 'kube-system', name: 'bootstrap-token-abcdef' };
    const stringData = {
      'token-id': 'abcdef',
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
    };
    const type = 'bootstrap.kubernetes.io/token';
    const secret = { metadata: key, type, stringData };
    await cluster.objects.create(Secret, structuredClone(secret));
    assert.equal(await whoIs(bearer(token)), 'system:bootstrap:abcdef');
    await cluster.objects.delete(Secret, key);
    assert.equal(await whoIs(bearer(token)), '401');
    const over = { ...stringData, expiration: '2020-01-01T00:00:00Z' };
    const made = await cluster.objects.create(Secret, { ...secret, stringData: over });
    assert.equal(await whoIs(bearer(token)), '401');
    const path = `/api/v1/namespaces/kube-system/secrets?watch=true&fieldSelector=type=${type}`;
    const watch = await http.watch(`${path}&resourceVersion=${made.metadata.resourceVersion}`);
    assert.deepEqual(await watch.told(1), [`DELETED ${key.name}`]);
    watch.close();
  });

  it('every namespace has the certificate by which pods know the server', async () => {
    await cluster.objects.create(Namespace, { metadata: { name: 'fresh' } });
    const target = { kind: ConfigMap, namespace: 'fresh', name: 'kube-root-ca.crt' };
    const { data } = await cluster.until(target, () => true);
    assert.equal(data?.['ca.crt'], http.tls.ca.toString());
  });

  it('tokens outlive a restart of the server', async () => {
    const token = bearer(await tokenOf('robot'));
    assert.equal(await whoIs(token), ROBOT);
    await cluster.close();
    await start();
    assert.equal(await whoIs(token), ROBOT);
  });
});

describe('reviews and discovery', () => {
  async function review(spec: object) {
    const { status } = await http.json<TokenReview>('POST', REVIEWS, { spec });
    return status;
  }

  it('a TokenReview tells whose a token is, or why it is nobody', async () => {
    const file = await review({ token: 'alices-token' });
    assert.equal(file?.user?.username, 'alice');
    assert.deepEqual([file?.user?.uid, file?.audiences], ['7', [ISSUER]]);
    const token = await tokenOf('robot', { audiences: ['vault', ISSUER] });
    const own = await review({ token, audiences: ['vault', 'other'] });
    assert.deepEqual([own?.user?.username, own?.audiences], [ROBOT, ['vault']]);
    const bad = await review({ token, audiences: ['other'] });
    assert.deepEqual([bad?.authenticated, bad?.user], [undefined, {}]);
    assert.match(bad?.error ?? '', /token audiences .* is invalid for the target audiences/);
    assert.deepEqual(await review({ token: 'x' }), { user: {}, error: 'invalid bearer token' });
  });

  it('others can check tokens by what the issuer publishes', async () => {
    const configuration = await http.json<{ issuer: string; jwks_uri: string }>(
      'GET',
      '/.well-known/openid-configuration',
    );
    assert.equal(configuration.issuer, ISSUER);
    const uri = new URL(configuration.jwks_uri);
    assert.equal(uri.origin, http.server.origin);
    const reply = await http.call('GET', uri.pathname);
    assert.equal(reply.headers['content-type'], 'application/jwk-set+json');
    assert.equal(reply.headers['cache-control'], 'public, max-age=3600');
    const keys = createLocalJWKSet(jsonOf(reply));
    const token = await tokenOf('robot', { audiences: ['vault'], expirationSeconds: 1_200 });
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: 'vault' });
    assert.equal(payload.sub, ROBOT);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 1_200);
  });
});

describe('impersonation', () => {
  const AS_ROBOT = { 'impersonate-user': ROBOT };
  const PATH = '/api/v1/namespaces/default/configmaps';

  it('an administrator acts in the name of others, with their rights', async () => {
    assert.equal(await whoIs(AS_ROBOT, http), ROBOT);
    const refused = await http.call('GET', PATH, { headers: AS_ROBOT });
    assert.equal(refused.code, 403);
    assert.match(jsonOf(refused).message ?? '', new RegExp(`User "${ROBOT}" cannot list`));
    const masters = { 'impersonate-user': 'x', 'impersonate-group': 'system:masters' };
    assert.equal((await http.call('GET', PATH, { headers: masters })).code, 200);
  });

  it('watches are opened in the name of others too', async () => {
    const refused = await http.watch(`${PATH}?watch=true`, AS_ROBOT);
    assert.equal(refused.code, 403);
    refused.close();
  });

  it('who may not be somebody else is told so, whatever it is about', async () => {
    const token = bearer(await tokenOf('robot'));
    const reply = await http.anonymous().call('GET', '/version', {
      headers: { ...token, 'impersonate-user': 'alice' },
    });
    assert.equal(reply.code, 403);
    assert.match(
      jsonOf(reply).message ?? '',
      new RegExp(`users "alice" is forbidden: User "${ROBOT}" cannot impersonate resource "users"`),
    );
  });

  it('groups without a user are an error', async () => {
    const headers = { 'impersonate-group': 'system:masters' };
    const reply = await http.call('GET', '/version', { headers });
    assert.equal(reply.code, 500);
    assert.match(jsonOf(reply).message ?? '', /without impersonating a user/);
  });
});

describe('kubectl', { skip: withoutKubectl() }, () => {
  it('makes tokens and says who one is', async () => {
    const kubectl = new Kubectl(kubeconfig);
    const token = (await kubectl.run('create token robot --duration 20m')).trim();
    assert.equal(await whoIs(bearer(token)), ROBOT);
    const me = await kubectl.run('auth whoami');
    assert.match(me, /Username\s+kubernetes-admin/);
    assert.match(me, /Groups\s+\[system:masters system:authenticated\]/);
    assert.match(
      me,
      /Extra: authentication.kubernetes.io\/credential-id\s+\[X509SHA256=[0-9a-f]{64}\]/,
    );
    const other = await kubectl.run(`auth whoami --as ${ROBOT}`);
    assert.match(other, /Groups\s+\[system:serviceaccounts system:serviceaccounts:default /);
  });

  it('with a token alone is who the token is of', async () => {
    const kubectl = new Kubectl(kubeconfig);
    const token = (
      await kubectl
        .run('create token robot --bound-object-kind Secret --bound-object-name kept')
        .catch(String)
    ).trim();
    assert.match(token, /secrets "kept" not found/);
    const plain = (await kubectl.run('create token robot --audience vault')).trim();
    assert.equal(await whoIs(bearer(plain)), '401');
    const { server, tls } = http;
    await writeFile(join(folder, 'ca.crt'), tls.ca);
    const own = new Kubectl(join(folder, 'no-kubeconfig'));
    const at = `--server ${server.origin} --certificate-authority ${join(folder, 'ca.crt')}`;
    const good = (await kubectl.run('create token robot')).trim();
    const me = await own.run(`auth whoami ${at} --token ${good}`);
    assert.match(me, new RegExp(`Username\\s+${ROBOT}`));
    assert.match(me, /Extra: authentication.kubernetes.io\/credential-id\s+\[JTI=/);
    await assert.rejects(
      own.run(`auth whoami ${at} --token ${good.slice(0, -4)}`),
      /Unauthorized|must be logged in/,
    );
  });
});
