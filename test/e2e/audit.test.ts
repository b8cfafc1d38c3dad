import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { Http } from './http.ts';
import { apiOnly } from './profiles.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitManagedFields: true,
  rules: [
    { level: 'None', nonResourceURLs: ['/livez*'] },
    { level: 'RequestResponse', resources: [{ group: '', resources: ['configmaps'] }] },
    { level: 'Metadata', omitStages: ['RequestReceived'] },
  ],
};

interface Event {
  readonly auditID: string;
  readonly level: string;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username?: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly sourceIPs: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: object;
  readonly responseStatus?: { readonly code: number; readonly reason?: string };
  readonly requestObject?: { readonly data?: object };
  readonly responseObject?: { readonly kind: string; readonly metadata: object };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly stageTimestamp: string;
}

describe('the audit log', { timeout: 60_000 }, () => {
  let folder = '';
  let cluster: Cluster;
  let http: Http;
  const events: Event[] = [];
  const ids = new Map<string, string>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'audit-'));
    const auditPolicyFile = join(folder, 'policy.yaml');
    const auditLogPath = join(folder, 'log/audit.log');
    await writeFile(auditPolicyFile, JSON.stringify(POLICY));
    cluster = await createCluster({ nodes: 0, profile: apiOnly(), auditPolicyFile, auditLogPath });
    http = Http.of(await cluster.kubeconfig());
    await http.json('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
    await ask('create', 'POST', CONFIG_MAPS, { metadata: { name: 'a' }, data: { k: 'v' } });
    await ask('twice', 'POST', CONFIG_MAPS, { metadata: { name: 'a' } });
    await ask('livez', 'GET', '/livez');
    await ask('named', 'GET', '/version', undefined, {
      'audit-id': 'mine',
      'user-agent': 'me/1',
      'x-forwarded-for': '192.0.2.1',
    });
    await ask('as bob', 'GET', '/api/v1/nodes', undefined, { 'impersonate-user': 'bob' });
    await ask('bad token', 'GET', '/api/v1/nodes', undefined, { authorization: 'Bearer x' });
    const watch = await http.watch(`${CONFIG_MAPS}?watch=true&timeoutSeconds=1`);
    while (await watch.next());
    await cluster.close();
    const text = await readFile(auditLogPath, 'utf8');
    for (const line of text.trimEnd().split('\n')) events.push(JSON.parse(line) as Event);
  });
  after(async () => {
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function ask(
    title: string,
    method: string,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const client = headers.authorization ? http.anonymous() : http;
    const reply = await client.call(method, path, { body, headers });
    ids.set(title, String(reply.headers['audit-id'] ?? ''));
  }

  function eventsOf(title: string): Event[] {
    return events.filter(({ auditID }) => auditID === ids.get(title));
  }

  it('has what was sent, and what was answered, where it should', () => {
    const [received, complete, ...more] = eventsOf('create');
    assert.deepEqual(more, []);
    assert.ok(received && complete);
    assert.deepEqual([received.stage, complete.stage], ['RequestReceived', 'ResponseComplete']);
    const { level, verb, requestURI, user, objectRef, responseStatus } = complete;
    assert.deepEqual(
      [level, verb, requestURI, user.username],
      ['RequestResponse', 'create', CONFIG_MAPS, 'kubernetes-admin'],
    );
    assert.deepEqual(objectRef, { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' });
    assert.deepEqual(responseStatus, { metadata: {}, code: 201 });
    assert.deepEqual(complete.requestObject?.data, { k: 'v' });
    assert.equal(complete.responseObject?.kind, 'ConfigMap');
    assert.ok(!('managedFields' in (complete.responseObject?.metadata ?? {})));
    assert.equal(complete.annotations?.['authorization.k8s.io/decision'], 'allow');
    assert.match(complete.stageTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('has the Status of a failure', () => {
    const status = eventsOf('twice').at(-1)?.responseStatus;
    assert.deepEqual([status?.code, status?.reason], [409, 'AlreadyExists']);
  });

  it('has nothing of what the policy leaves out, nor do its clients get an id', () => {
    assert.equal(ids.get('livez'), '');
    assert.ok(!events.some(({ requestURI }) => requestURI === '/livez'));
  });

  it('takes over the client’s id, and says where it is', () => {
    assert.equal(ids.get('named'), 'mine');
    const [event, ...more] = eventsOf('named');
    assert.deepEqual(more, []);
    assert.deepEqual(event?.sourceIPs, ['192.0.2.1', '127.0.0.1']);
    assert.equal(event?.userAgent, 'me/1');
    assert.ok(event && !('objectRef' in event) && !('responseObject' in event));
  });

  it('has who asked in whose name, and who was refused why', () => {
    const [event] = eventsOf('as bob');
    assert.equal(event?.user.username, 'kubernetes-admin');
    assert.equal(event?.impersonatedUser?.username, 'bob');
    assert.equal(event?.responseStatus?.code, 403);
    assert.equal(event?.annotations?.['authorization.k8s.io/decision'], 'forbid');
    const [refused] = eventsOf('bad token');
    assert.deepEqual([refused?.user, refused?.responseStatus?.code], [{}, 401]);
  });

  it('has a watch’s beginning and its end', () => {
    const stages = events.filter(({ verb }) => verb === 'watch').map(({ stage }) => stage);
    assert.deepEqual(stages, ['RequestReceived', 'ResponseStarted', 'ResponseComplete']);
  });
});
