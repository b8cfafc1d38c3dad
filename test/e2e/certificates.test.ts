import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import {
  type CertificateAuthority,
  CertificateSigningRequest,
  ConfigMap,
  certificateAuthorityPoint,
  definePlugin,
  parseCertificateRequest,
  SIGNERS,
} from 'kernetes/sdk';
import { type MadeRequest, makeCertificateRequest } from 'kernetes/sdk/testing';
import { KernelAuthority } from '../../kernel/pki-authority.ts';
import { until } from './eventually.ts';
import { Http, jsonOf } from './http.ts';
import { Kubectl, withoutKubectl } from './kubectl.ts';

/** Requests for certificates, from the request to who one is with the certificate. */

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const GROUP = 'rbac.authorization.k8s.io';
const CLIENT = ['client auth', 'digital signature'];
const PLUGIN = 'system:plugin:controller.namespace';

let folder: string;
let cluster: Cluster;
let http: Http;
let kubeconfig: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificates-'));
  await writeFile(join(folder, 'tokens.csv'), `plugins-token,${PLUGIN},1,"system:plugins"\n`);
  cluster = await createCluster({
    nodes: 0,
    listen: '127.0.0.1:0',
    data: join(folder, 'data'),
    tokenAuthFile: join(folder, 'tokens.csv'),
  });
  kubeconfig = await cluster.kubeconfig(join(folder, 'kubeconfig'));
  http = Http.of(kubeconfig);
});
after(async () => {
  await cluster?.close();
  await rm(folder, { recursive: true, force: true });
});

type Spec = Partial<CertificateSigningRequest['spec']>;

async function ask(
  name: string,
  subject: string,
  given: { spec?: Spec; as?: Readonly<Record<string, string>>; dns?: string } = {},
): Promise<MadeRequest & { code: number; message: string }> {
  const { spec, as = {}, dns } = given;
  const made = await makeCertificateRequest(subject, dns ? [{ type: 'dns', value: dns }] : []);
  const signerName = SIGNERS.client;
  const body = {
    metadata: { name },
    spec: { request: made.base64, signerName, usages: CLIENT, ...spec },
  };
  const reply = await http.call('POST', REQUESTS, { body, headers: as });
  return { ...made, code: reply.code, message: jsonOf<{ message?: string }>(reply).message ?? '' };
}

/** The certificate, when it is there. */
async function issued(name: string): Promise<string> {
  const target = { kind: CertificateSigningRequest, name };
  const { status } = await cluster.until(target, found => found.status?.certificate !== undefined);
  return Buffer.from(status?.certificate ?? '', 'base64').toString();
}

async function decide(name: string, type: 'Approved' | 'Denied'): Promise<void> {
  const patch = { status: { conditions: [{ type, status: 'True', reason: 'Test' }] } };
  await http.json('PATCH', `${REQUESTS}/${name}/approval`, patch, 'application/merge-patch+json');
}

const withCertificate = (cert: string, key: string) =>
  new Http(http.server, { ...http.tls, cert: Buffer.from(cert), key: Buffer.from(key) });

/** Who the server takes somebody for; `401` when it does not. */
async function whoIs(client: Http): Promise<unknown> {
  const reply = await client.call('POST', WHOAMI, { body: {} });
  if (reply.code !== 201) return reply.code;
  const { status } = jsonOf<{ status: { userInfo: { username: string; groups: string[] } } }>(
    reply,
  );
  return [status.userInfo.username, ...status.userInfo.groups];
}

async function allow(user: string, ...rules: object[]): Promise<void> {
  const name = user.replaceAll(':', '-');
  await http.json('POST', `${RBAC}/clusterroles`, { metadata: { name }, rules });
  await http.json('POST', `${RBAC}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name },
    subjects: [{ kind: 'User', apiGroup: GROUP, name: user }],
  });
}

describe('a person', () => {
  it('who is approved is who the certificate says', async () => {
    const { key, code } = await ask('alice', 'CN=alice, O=dev, O=ops');
    assert.equal(code, 201);
    await decide('alice', 'Approved');
    const client = withCertificate(await issued('alice'), key);
    assert.deepEqual(await whoIs(client), ['alice', 'dev', 'ops', 'system:authenticated']);
    assert.equal((await client.call('GET', '/api/v1/pods')).code, 403);
  });

  it('who is denied, or asks for what the signer does not sign, gets nothing', async () => {
    await ask('denied', 'CN=alice');
    await decide('denied', 'Denied');
    await ask('server', 'CN=alice', { spec: { usages: ['server auth'] } });
    await decide('server', 'Approved');
    const target = { kind: CertificateSigningRequest, name: 'server' };
    const { status } = await cluster.until(target, found => found.status?.conditions?.length === 2);
    const { type, reason, message } = status?.conditions?.[1] ?? {};
    assert.deepEqual(
      [type, reason, message],
      ['Failed', 'SignerValidationFailure', 'invalid usage for client certificate: server auth'],
    );
    const denied = await cluster.objects.get(CertificateSigningRequest, { name: 'denied' });
    assert.equal(denied.status?.certificate, undefined);
  });

  it('does not become a master, or a plugin', async () => {
    for (const subject of ['CN=me, O=system:masters', `CN=${PLUGIN}`]) {
      const { code, message } = await ask('much', subject);
      assert.equal(code, 403);
      assert.match(
        message,
        /"much" is forbidden: use of kubernetes.io\/kube-apiserver-client signer/,
      );
    }
  });

  it('is written down as who it is', async () => {
    const as = {
      'impersonate-user': 'bob',
      'impersonate-group': 'dev',
      'impersonate-extra-a': 'b',
    };
    await allow('bob', {
      apiGroups: ['certificates.k8s.io'],
      resources: ['certificatesigningrequests'],
      verbs: ['create', 'update', 'get'],
    });
    await retried(
      async () => (await ask('bobs', 'CN=x', { as, spec: { username: 'eve' } })).code,
      201,
    );
    const found = await http.json<CertificateSigningRequest>('GET', `${REQUESTS}/bobs`);
    const { username, groups, extra } = found.spec;
    assert.deepEqual(
      [username, groups, extra],
      ['bob', ['dev', 'system:authenticated'], { a: ['b'] }],
    );
    const changed = { ...found, spec: { ...found.spec, username: 'eve', signerName: 'a.b/c' } };
    const { spec } = await http.json<CertificateSigningRequest>('PUT', `${REQUESTS}/bobs`, changed);
    assert.deepEqual(spec, found.spec);
  });
});

async function retried(call: () => Promise<number>, code: number): Promise<void> {
  await until(async () => (await call()) === code);
}

describe('who approves and signs', () => {
  const approval = { apiGroups: ['certificates.k8s.io'], verbs: ['get', 'patch', 'update'] };

  async function patch(user: string, path: string, status: object): Promise<string> {
    const headers = { 'impersonate-user': user, 'content-type': 'application/merge-patch+json' };
    const reply = await http.call('PATCH', `${REQUESTS}/${path}`, { headers, body: { status } });
    return `${reply.code} ${jsonOf<{ message?: string }>(reply).message ?? ''}`.trim();
  }

  it('needs the right to that signer', async () => {
    await ask('hers', 'CN=x', { spec: { signerName: 'example.com/mine' } });
    await allow('ann', {
      ...approval,
      resources: ['certificatesigningrequests/approval', 'certificatesigningrequests/status'],
    });
    const approved = { conditions: [{ type: 'Approved', status: 'True' }] };
    const refused = (verb: string) =>
      '403 certificatesigningrequests.certificates.k8s.io "hers" is forbidden: user not permitted ' +
      `to ${verb} requests with signerName "example.com/mine"`;
    await retried(
      async () => ((await patch('ann', 'hers/approval', approved)) === refused('approve') ? 0 : 1),
      0,
    );
    assert.equal(
      await patch('ann', 'hers/status', { conditions: [{ type: 'Failed', status: 'True' }] }),
      refused('sign'),
    );
    await allow('ann:signer', {
      apiGroups: ['certificates.k8s.io'],
      resources: ['signers'],
      resourceNames: ['example.com/*'],
      verbs: ['approve', 'sign'],
    });
    await http.json(
      'PATCH',
      `${RBAC}/clusterrolebindings/ann-signer`,
      { subjects: [{ kind: 'User', apiGroup: GROUP, name: 'ann' }] },
      'application/merge-patch+json',
    );
    await retried(
      async () => ((await patch('ann', 'hers/approval', approved)) === '200' ? 0 : 1),
      0,
    );
    assert.equal(
      await patch('ann', 'hers/status', {
        certificate: Buffer.from(await issued('alice')).toString('base64'),
      }),
      '200',
    );
    const twice = await patch('ann', 'hers/status', { certificate: null });
    assert.match(twice, /^422 .*updates may not modify existing certificate content$/);
  });
});

describe('a kubelet', () => {
  const NODE = 'CN=system:node:n1, O=system:nodes';
  const joins = { 'impersonate-user': 'system:bootstrap:abc', 'impersonate-group': 'joiners' };
  const spec = { signerName: SIGNERS.kubeletClient };

  it('joins, and renews its certificate, without anybody’s approval', async () => {
    const group = { kind: 'Group', apiGroup: GROUP };
    for (const [role, name] of [
      ['system:node-bootstrapper', 'joiners'],
      ['system:certificates.k8s.io:certificatesigningrequests:nodeclient', 'joiners'],
      ['system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', 'system:nodes'],
    ] as const) {
      await http.json('POST', `${RBAC}/clusterrolebindings`, {
        metadata: { name: `${name}-${role}`.replaceAll(':', '-') },
        roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
        subjects: [{ ...group, name }],
      });
    }
    let joined = await ask('join', NODE, { spec, as: joins });
    for (let i = 0; i < 100 && joined.code !== 201; i++) {
      joined = await ask('join', NODE, { spec, as: joins });
    }
    const client = withCertificate(await issued('join'), joined.key);
    const who = ['system:node:n1', 'system:nodes', 'system:authenticated'];
    assert.deepEqual(await whoIs(client), who);
    const made = await makeCertificateRequest(NODE);
    const body = {
      metadata: { name: 'renew' },
      spec: { ...spec, request: made.base64, usages: CLIENT },
    };
    assert.equal((await client.call('POST', REQUESTS, { body })).code, 201);
    assert.deepEqual(await whoIs(withCertificate(await issued('renew'), made.key)), who);
    const { status } = await cluster.objects.get(CertificateSigningRequest, { name: 'renew' });
    assert.match(status?.conditions?.[0]?.message ?? '', /^Auto approving self kubelet client/);
  });

  it('serves with a certificate that makes it nobody’s client', async () => {
    const usages = ['server auth', 'digital signature'];
    const asked = { spec: { signerName: SIGNERS.kubeletServing, usages }, dns: 'n1' };
    const { key } = await ask('serve', NODE, asked);
    await decide('serve', 'Approved');
    assert.equal(await whoIs(withCertificate(await issued('serve'), key)), 401);
  });
});

describe('who bears the name of a plugin', () => {
  it('may not do what the plugin may', async () => {
    const [certificate, key] = await Promise.all(
      ['ca.crt', 'ca.key'].map(name => readFile(join(folder, 'data/pki', name), 'utf8')),
    );
    assert.ok(certificate && key);
    const made = await makeCertificateRequest('CN=x');
    const signed = await new KernelAuthority({ certificate, key }).sign({
      subject: [{ type: '2.5.4.3', value: PLUGIN }],
      names: [],
      publicKey: parseCertificateRequest(made.request).publicKey,
      keyUsage: 0,
      extendedKeyUsage: [],
      notBefore: Date.now() - 1_000,
      notAfter: Date.now() + 60_000,
    });
    const client = withCertificate(signed, made.key);
    assert.deepEqual(await whoIs(client), [PLUGIN, 'system:authenticated']);
    const bearer = { authorization: 'Bearer plugins-token' };
    const impersonate = { 'impersonate-user': PLUGIN, 'impersonate-group': 'system:plugins' };
    const codes = await Promise.all([
      client.call('GET', '/api/v1/namespaces'),
      http.anonymous().call('GET', '/api/v1/namespaces', { headers: bearer }),
      http.call('GET', '/api/v1/namespaces', { headers: impersonate }),
    ]);
    assert.deepEqual(
      codes.map(({ code }) => code),
      [403, 403, 403],
    );
  });
});

describe('the key of the cluster', () => {
  /** As a plugin of another thread might try it. */
  const SPY = `
import { ConfigMap, definePlugin } from 'kernetes/sdk';
export default definePlugin({
  name: 'spy',
  async activate(ctx) {
    const point = { name: 'certificateAuthority', combine: 'unique', methods: ['sign'] };
    const listener = { name: 'listener', combine: 'independent', methods: [] };
    const authorities = ctx.contributions(point);
    ctx.contributions(listener).onChange(async () => {
      const data = { seen: String(authorities.list().length) };
      const metadata = { name: 'spy', namespace: 'default' };
      await ctx.objects.create(ConfigMap, { metadata, data });
    });
  },
});
`;

  it('is not to be had from another thread, and is in this one', async () => {
    const path = join(folder, 'spy.ts');
    await writeFile(path, SPY);
    let own: readonly CertificateAuthority[] = [];
    const inline = definePlugin({
      name: 'inline',
      activate(ctx) {
        const found = ctx.contributions(certificateAuthorityPoint);
        found.onChange(() => {
          own = found.list().map(({ value }) => value);
        });
      },
    });
    const objects = [{ groups: [''], resources: ['configmaps'], verbs: ['create'] }];
    await using spied = await createCluster({
      nodes: 0,
      plugins: [inline, { path, placement: 'worker', grants: { objects } }],
    });
    assert.equal(own.length, 0);
    await spied.kubeconfig();
    const target = { kind: ConfigMap, namespace: 'default', name: 'spy' };
    const { data } = await spied.until(target, () => true);
    assert.deepEqual(data, { seen: '0' });
    assert.equal(own.length, 1);
  });
});

it('1.20 serves v1beta1 too, which finds the signer itself', async () => {
  await using old = await createCluster({ nodes: 0, emulate: '1.20' });
  const client = Http.of(await old.kubeconfig());
  const { base64 } = await makeCertificateRequest('CN=system:node:n1, O=system:nodes');
  const usages = ['digital signature', 'key encipherment', 'client auth'];
  const path = REQUESTS.replace('v1', 'v1beta1');
  const body = { metadata: { name: 'a' }, spec: { request: base64, usages } };
  const made = await client.json<CertificateSigningRequest>('POST', path, body);
  assert.equal(made.spec.signerName, SIGNERS.kubeletClient);
});

describe('kubectl', { skip: withoutKubectl() }, () => {
  it('approves, denies, shows and uses certificates', async () => {
    const kubectl = new Kubectl(kubeconfig);
    const { key } = await ask('carol', 'CN=carol', { spec: { expirationSeconds: 3_600 } });
    await ask('dave', 'CN=dave');
    const approved = await kubectl.run('certificate approve carol');
    assert.equal(approved, 'certificatesigningrequest.certificates.k8s.io/carol approved\n');
    const denied = await kubectl.run('certificate deny dave');
    assert.equal(denied, 'certificatesigningrequest.certificates.k8s.io/dave denied\n');
    const [cert, keyFile] = [join(folder, 'carol.crt'), join(folder, 'carol.key')];
    await writeFile(cert, await issued('carol'));
    await writeFile(keyFile, key);
    const table = (await kubectl.run('get csr carol dave')).replace(/ +\d+s +/g, ' AGE ');
    assert.deepEqual(
      table
        .trimEnd()
        .split('\n')
        .map(line => line.split(/ +/)),
      [
        ['NAME', 'AGE', 'SIGNERNAME', 'REQUESTOR', 'REQUESTEDDURATION', 'CONDITION'],
        ['carol', 'AGE', SIGNERS.client, 'kubernetes-admin', '60m', 'Approved,Issued'],
        ['dave', 'AGE', SIGNERS.client, 'kubernetes-admin', '<none>', 'Denied'],
      ],
    );
    const selector = `--field-selector spec.signerName=${SIGNERS.kubeletServing}`;
    assert.match(await kubectl.run(`get csr ${selector} -o name`), /^\S+\/serve\n$/);
    assert.match(await kubectl.run('describe csr carol'), /Status: +Approved,Issued\n/);
    const credentials = `--client-certificate=${cert} --client-key=${keyFile}`;
    await kubectl.run(`config set-credentials carol ${credentials}`);
    assert.match(await kubectl.run('auth whoami --user carol'), /^Username +carol$/m);
    await assert.rejects(kubectl.run('certificate approve dave'), /is already Denied/);
  });
});
