import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { User } from '../../sdk/request.ts';
import { GrantAuthorizer } from './grants.ts';

const RULES = [
  { groups: [''], resources: ['pods', 'pods/log'], verbs: ['get'], names: ['a'] },
  { groups: ['apps'], resources: ['*/scale'], verbs: ['get'] },
];

function asked(user: User, given: object = {}) {
  const target = { group: '', version: 'v1', resource: 'pods', subresource: '', namespace: 'n' };
  return { user, verb: 'get', ...target, name: 'a', ...given };
}

const CASES: readonly { name: string; given: object; verdict: 'allow' | 'no-opinion' }[] = [
  { name: 'what was granted', given: {}, verdict: 'allow' },
  { name: 'a subresource that was granted', given: { subresource: 'log' }, verdict: 'allow' },
  { name: 'another subresource', given: { subresource: 'exec' }, verdict: 'no-opinion' },
  {
    name: 'a subresource of any resource',
    given: { group: 'apps', resource: 'deployments', subresource: 'scale' },
    verdict: 'allow',
  },
  {
    name: 'that resource itself',
    given: { group: 'apps', resource: 'deployments' },
    verdict: 'no-opinion',
  },
  { name: 'another verb', given: { verb: 'delete' }, verdict: 'no-opinion' },
  { name: 'another name', given: { name: 'b' }, verdict: 'no-opinion' },
  { name: 'another group', given: { group: 'apps' }, verdict: 'no-opinion' },
];

for (const { name, given, verdict } of CASES) {
  it(`GrantAuthorizer gives ${verdict} for ${name}`, () => {
    const grants = new GrantAuthorizer();
    grants.set('some', RULES);
    assert.equal(grants.authorize(asked(grants.userOf('some'), given)), verdict);
  });
}

it('GrantAuthorizer knows a plugin by the object that the kernel made, not by its name', () => {
  const grants = new GrantAuthorizer();
  grants.set('some', RULES);
  const user = grants.userOf('some');
  assert.equal(grants.userOf('some'), user);
  for (const other of [{ ...user }, structuredClone(user), grants.userOf('other')]) {
    assert.equal(grants.authorize(asked(other)), 'no-opinion');
    assert.deepEqual(grants.rules(other).resources, []);
  }
  assert.equal(grants.rules(user).resources.length, RULES.length);
});
