import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CompactSign, compactVerify } from 'jose';
import { ConfigMap, Secret } from 'kernetes/sdk';
import { activate, fakeClock, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const INFO = 'kube-public/cluster-info';
const SECRET = '0123456789abcdef';

function token(id: string, more: Record<string, string> = {}): Secret {
  const data = {
    'token-id': id,
    'token-secret': SECRET,
    'usage-bootstrap-signing': 'true',
    ...more,
  };
  return {
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, btoa(text)])),
  };
}

async function setUp(...secrets: Secret[]) {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const metadata = { name: 'cluster-info', namespace: 'kube-public' };
  kernel.add(ConfigMap, { metadata, data: { kubeconfig: 'apiVersion: v1', note: 'stays' } });
  kernel.add(Secret, ...secrets);
  return activate(plugin, { kernel, clock });
}

const dataIn = (kernel: TestKernel) => kernel.get(ConfigMap, INFO)?.data ?? {};

describe('controller.bootstrap-signer', () => {
  it('signs with a token what another implementation of JWS finds signed', async () => {
    const { kernel } = await setUp(token('abcdef'));
    const { 'jws-kubeconfig-abcdef': signature = '', ...others } = dataIn(kernel);
    assert.deepEqual(others, { kubeconfig: 'apiVersion: v1', note: 'stays' });
    const key = new TextEncoder().encode(SECRET);
    const payload = new TextEncoder().encode('apiVersion: v1');
    const whole = signature.replace('..', `.${Buffer.from(payload).toString('base64url')}.`);
    const { protectedHeader } = await compactVerify(whole, key);
    assert.deepEqual(protectedHeader, { alg: 'HS256', kid: 'abcdef' });
    const expected = await new CompactSign(payload).setProtectedHeader(protectedHeader).sign(key);
    assert.equal(whole, expected);
  });

  it('signs only with tokens that may, and are not over', async () => {
    const { kernel } = await setUp(
      token('abcdef', { 'usage-bootstrap-signing': 'false' }),
      token('bcdefg', { expiration: '2025-12-31T23:59:59Z' }),
      token('cdefgh', { expiration: 'soon' }),
      token('UPPER1'),
      { ...token('defghi'), metadata: { name: 'other', namespace: 'kube-system' } },
      { ...token('efghij'), type: 'Opaque' },
      token('fghijk', { expiration: '2026-01-02T00:00:00Z' }),
    );
    assert.deepEqual(Object.keys(dataIn(kernel)), ['kubeconfig', 'note', 'jws-kubeconfig-fghijk']);
  });

  it('signs anew what changed, and takes back what a lost token signed', async () => {
    const { kernel, clock } = await setUp(token('abcdef'));
    const before = dataIn(kernel)['jws-kubeconfig-abcdef'];
    kernel.modify(ConfigMap, INFO, info => {
      info.data = { ...info.data, kubeconfig: 'other' };
    });
    await clock.step(0);
    assert.notEqual(dataIn(kernel)['jws-kubeconfig-abcdef'], before);
    const key = { namespace: 'kube-system', name: 'bootstrap-token-abcdef' };
    await kernel.objects.delete(Secret, key);
    await clock.step(0);
    assert.deepEqual(dataIn(kernel), { kubeconfig: 'other', note: 'stays' });
  });

  it('writes nothing when all is signed', async () => {
    const { kernel, clock } = await setUp(token('abcdef'));
    kernel.requests.length = 0;
    kernel.modify(Secret, 'kube-system/bootstrap-token-abcdef', secret => {
      secret.metadata.labels = { a: 'b' };
    });
    await clock.step(1000);
    assert.deepEqual(kernel.requests, []);
  });
});
