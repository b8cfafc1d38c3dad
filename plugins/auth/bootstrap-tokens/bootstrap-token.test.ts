import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authenticatorPoint, Secret } from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import { userOf } from './bootstrap-token.ts';
import plugin from './plugin.ts';

const TOKEN = { id: 'abcdef', secret: '0123456789abcdef' };
const NOW = Date.UTC(2026, 0, 1);
const DATA = {
  'token-id': TOKEN.id,
  'token-secret': TOKEN.secret,
  'usage-bootstrap-authentication': 'true',
};

function secretOf(data: Readonly<Record<string, string>>, change: Partial<Secret> = {}): Secret {
  const encoded = Object.entries(data).map(([key, value]) => [
    key,
    Buffer.from(value).toString('base64'),
  ]);
  return {
    metadata: { name: `bootstrap-token-${TOKEN.id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(encoded),
    ...change,
  };
}

describe('userOf()', () => {
  const believed: { name: string; data: Record<string, string>; groups?: string[] }[] = [
    { name: 'a token without an end', data: {} },
    { name: 'one that ends later', data: { expiration: '2026-01-01T00:00:01Z' } },
    {
      name: 'one with groups',
      data: { 'auth-extra-groups': 'system:bootstrappers:b,system:bootstrappers:a' },
      groups: ['system:bootstrappers:a', 'system:bootstrappers:b'],
    },
  ];
  for (const { name, data, groups = [] } of believed) {
    it(`believes ${name}`, () => {
      assert.deepEqual(userOf(TOKEN, secretOf({ ...DATA, ...data }), NOW), {
        name: 'system:bootstrap:abcdef',
        groups: ['system:bootstrappers', ...groups, 'system:authenticated'],
      });
    });
  }

  const refused: { name: string; data?: Record<string, string>; change?: Partial<Secret> }[] = [
    { name: 'another secret', data: { 'token-secret': '0123456789abcdee' } },
    { name: 'no secret', data: { 'token-secret': '' } },
    { name: 'another id inside', data: { 'token-id': 'abcdee' } },
    { name: 'the moment of its end', data: { expiration: '2026-01-01T00:00:00Z' } },
    { name: 'an end that is no time', data: { expiration: 'never' } },
    { name: 'another use', data: { 'usage-bootstrap-authentication': 'false' } },
    { name: 'a group that is not for it', data: { 'auth-extra-groups': 'system:masters' } },
    { name: 'an empty group', data: { 'auth-extra-groups': 'system:bootstrappers:a,' } },
    { name: 'another type', change: { type: 'Opaque' } },
    {
      name: 'one that is being deleted',
      change: { metadata: { name: 'x', deletionTimestamp: '2025-12-31T00:00:00Z' } },
    },
    { name: 'no data', change: { data: {} } },
  ];
  for (const { name, data = {}, change } of refused) {
    it(`refuses ${name}`, () => {
      assert.equal(userOf(TOKEN, secretOf({ ...DATA, ...data }, change), NOW), undefined);
    });
  }
});

describe('auth.bootstrap-tokens', () => {
  it('knows a token as long as its Secret is there', async () => {
    const kernel = new TestKernel();
    kernel.add(Secret, secretOf(DATA));
    const { context } = await activate(plugin, { kernel });
    const [authenticator] = context.contributions(authenticatorPoint).list();
    const ask = async (token: string) =>
      (await authenticator?.value.authenticate({ authorization: `Bearer ${token}` }))?.name;
    assert.equal(await ask('abcdef.0123456789abcdef'), 'system:bootstrap:abcdef');
    for (const other of ['abcdee.0123456789abcdef', 'abcdef.0123456789abcde', 'ABCDEF.x', 'x']) {
      assert.equal(await ask(other), undefined, other);
    }
    const key = { namespace: 'kube-system', name: 'bootstrap-token-abcdef' };
    await kernel.objects.delete(Secret, key);
    assert.equal(await ask('abcdef.0123456789abcdef'), undefined);
  });
});
