import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from './clock.ts';
import { kubeconfig } from './kubeconfig.ts';
import { openPki } from './pki.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
let root: string;

before(() => {
  root = mkdtempSync(join(tmpdir(), 'kernetes-pki-'));
});

after(() => rmSync(root, { recursive: true, force: true }));

function clockAfter(ms: number) {
  const clock = systemClock();
  return { ...clock, now: () => clock.now() + ms };
}

test('openPki() signs a server and an administrator', async () => {
  const { ca, server, admin } = await openPki({ hosts: ['10.96.0.1'], clock: systemClock() });
  const authority = new X509Certificate(ca.certificate);
  assert.ok(authority.ca);
  const certificate = new X509Certificate(server.certificate);
  assert.ok(certificate.verify(authority.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(server.key)));
  for (const host of ['localhost', 'kubernetes.default.svc.cluster.local']) {
    assert.ok(certificate.checkHost(host), host);
  }
  for (const ip of ['127.0.0.1', '10.96.0.1', '::1']) assert.ok(certificate.checkIP(ip), ip);
  const person = new X509Certificate(admin.certificate);
  assert.ok(person.verify(authority.publicKey));
  assert.equal(person.subject, 'CN=kubernetes-admin\nO=system:masters');
  assert.equal(createPrivateKey(admin.key).asymmetricKeyType, 'ec');
});

test('openPki() signs what passes requests on, by an authority of its own', async () => {
  const pki = await openPki({ hosts: [], clock: systemClock() });
  const client = new X509Certificate(pki.frontProxyClient.certificate);
  assert.equal(client.subject, 'CN=front-proxy-client');
  assert.ok(client.verify(new X509Certificate(pki.frontProxyCa.certificate).publicKey));
  assert.ok(!client.verify(new X509Certificate(pki.ca.certificate).publicKey));
});

test('openPki() adds what an earlier version did not have, and no more', async () => {
  const options = { folder: join(root, 'earlier'), hosts: [], clock: systemClock() };
  const first = await openPki(options);
  for (const file of ['front-proxy-ca', 'front-proxy-client']) {
    for (const end of ['crt', 'key']) rmSync(join(options.folder, `${file}.${end}`));
  }
  const { ca, server, admin, frontProxyCa, frontProxyClient } = await openPki(options);
  assert.deepEqual([ca, server, admin], [first.ca, first.server, first.admin]);
  assert.notDeepEqual(
    [frontProxyCa, frontProxyClient],
    [first.frontProxyCa, first.frontProxyClient],
  );
});

test('openPki() keeps its keys for the owner alone, and uses them again', async () => {
  const options = { folder: join(root, 'kept'), hosts: [], clock: systemClock() };
  const first = await openPki(options);
  assert.deepEqual(await openPki(options), first);
  assert.equal(statSync(join(options.folder, 'ca.key')).mode & 0o777, 0o600);
  assert.equal(statSync(options.folder).mode & 0o777, 0o700);
});

test('openPki() renews what lacks a name or expires soon, and no more', async () => {
  const folder = join(root, 'renewed');
  const first = await openPki({ folder, hosts: [], clock: systemClock() });
  const renamed = await openPki({ folder, hosts: ['192.0.2.1'], clock: systemClock() });
  assert.deepEqual([renamed.ca, renamed.admin], [first.ca, first.admin]);
  assert.ok(new X509Certificate(renamed.server.certificate).checkIP('192.0.2.1'));
  const later = await openPki({ folder, hosts: [], clock: clockAfter(340 * DAY_MS) });
  assert.deepEqual(later.ca, first.ca);
  assert.notDeepEqual(later.admin, first.admin);
  const authority = new X509Certificate(first.ca.certificate);
  assert.ok(new X509Certificate(later.server.certificate).verify(authority.publicKey));
  const decade = await openPki({ folder, hosts: [], clock: clockAfter(3_400 * DAY_MS) });
  assert.notDeepEqual(decade.ca, first.ca);
});

test('openPki() replaces what is damaged or of another authority', async () => {
  const folder = join(root, 'damaged');
  const first = await openPki({ folder, hosts: [], clock: systemClock() });
  writeFileSync(join(folder, 'apiserver.crt'), 'nonsense');
  const second = await openPki({ folder, hosts: [], clock: systemClock() });
  assert.deepEqual(second.ca, first.ca);
  writeFileSync(join(folder, 'ca.crt'), '');
  const third = await openPki({ folder, hosts: [], clock: systemClock() });
  const authority = new X509Certificate(third.ca.certificate);
  assert.ok(new X509Certificate(third.admin.certificate).verify(authority.publicKey));
});

test('kubeconfig() has one cluster, one user, and their context', () => {
  const text = kubeconfig({ server: 'https://x:1', ca: 'CA', certificate: 'C', key: 'K' });
  const config = JSON.parse(text) as Record<string, unknown>;
  assert.equal(config['current-context'], 'kernetes');
  assert.deepEqual(config.clusters, [
    {
      name: 'kernetes',
      cluster: { server: 'https://x:1', 'certificate-authority-data': 'Q0E=' },
    },
  ]);
});
