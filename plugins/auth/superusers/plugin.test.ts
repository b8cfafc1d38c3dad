import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authorizerPoint } from 'kernetes/sdk';
import { activate } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const MASTER = { name: 'admin', groups: ['system:masters'] };
const BOB = { name: 'bob', groups: ['system:authenticated', 'system:master', 'masters'] };

async function open(publicPaths: readonly string[]) {
  const { context } = await activate(plugin, { config: { publicPaths } });
  const [found] = context.contributions(authorizerPoint).list();
  assert.ok(found);
  return found.value;
}

describe('auth.superusers', () => {
  const cases = [
    { who: MASTER, verb: 'delete', path: '/x', open: [], verdict: 'allow' },
    { who: BOB, verb: 'get', path: '/healthz', open: [], verdict: 'no-opinion' },
    { who: BOB, verb: 'get', path: '/healthz', open: ['/healthz'], verdict: 'allow' },
    { who: BOB, verb: 'get', path: '/healthz/x', open: ['/healthz'], verdict: 'no-opinion' },
    { who: BOB, verb: 'get', path: '/healthz/x', open: ['/healthz/*'], verdict: 'allow' },
    { who: BOB, verb: 'post', path: '/healthz', open: ['/healthz'], verdict: 'no-opinion' },
  ];
  for (const { who, verb, path, open: paths, verdict } of cases) {
    it(`says ${verdict} to ${verb} ${path} by ${who.name} with [${paths}] public`, async () => {
      const authorizer = await open(paths);
      assert.equal(authorizer.authorize({ user: who, verb, path }), verdict);
    });
  }

  it('has no opinion about resources, whatever is public', async () => {
    const authorizer = await open(['*']);
    const what = { group: '', version: 'v1', resource: 'secrets', subresource: '' };
    const asked = { user: BOB, verb: 'get', ...what, namespace: 'x', name: 'a' };
    assert.equal(authorizer.authorize(asked), 'no-opinion');
    assert.deepEqual(authorizer.rules?.(BOB, 'x').resources, []);
    assert.equal(authorizer.rules?.(MASTER, 'x').resources.length, 1);
  });
});
