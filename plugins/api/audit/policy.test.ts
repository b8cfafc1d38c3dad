import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditedRequest } from 'kernetes/sdk';
import { decide } from './policy.ts';
import { readPolicy } from './policy-file.ts';

function policy(rules: readonly object[], more: object = {}) {
  return readPolicy(
    JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...more, rules }),
  );
}

const TARGET = {
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'default',
  name: 'web',
};
const GET: AuditedRequest = {
  requestUri: '/api/v1/namespaces/default/pods/web',
  path: '/api/v1/namespaces/default/pods/web',
  verb: 'get',
  requester: { name: 'bob', groups: ['team', 'system:authenticated'] },
  sourceIps: [],
  userAgent: '',
  target: TARGET,
};
const { target: _, ...PLAIN } = GET;
const HEALTH: AuditedRequest = { ...PLAIN, path: '/healthz/ping' };

describe('decide()', () => {
  const log = { ...GET, target: { ...TARGET, subresource: 'log' } };
  const node = { ...GET, target: { ...TARGET, resource: 'nodes', namespace: '' } };
  const cases: readonly [title: string, rule: object, request: AuditedRequest, fits: boolean][] = [
    ['a rule about nothing fits all', {}, GET, true],
    ['a user', { users: ['bob'] }, GET, true],
    ['another user', { users: ['eve'] }, GET, false],
    ['a group', { userGroups: ['x', 'team'] }, GET, true],
    ['another group', { userGroups: ['x'] }, GET, false],
    ['a verb', { verbs: ['get'] }, GET, true],
    ['another verb', { verbs: ['list'] }, GET, false],
    ['a namespace', { namespaces: ['default'] }, GET, true],
    ['no namespace', { namespaces: [''] }, node, true],
    ['another namespace', { namespaces: ['x'] }, GET, false],
    ['a namespace, and no resource', { namespaces: [''] }, HEALTH, false],
    ['a group of resources', { resources: [{ group: '' }] }, GET, true],
    ['another group of resources', { resources: [{ group: 'apps' }] }, GET, false],
    ['a resource', { resources: [{ group: '', resources: ['pods'] }] }, GET, true],
    ['a resource is not its subresource', { resources: [{ resources: ['pods'] }] }, log, false],
    ['a subresource', { resources: [{ resources: ['pods/log'] }] }, log, true],
    ['all subresources of one', { resources: [{ resources: ['pods/*'] }] }, log, true],
    ['all subresources are no resource', { resources: [{ resources: ['pods/*'] }] }, GET, false],
    ['one subresource of all', { resources: [{ resources: ['*/log'] }] }, log, true],
    ['all resources', { resources: [{ resources: ['*'] }] }, log, true],
    ['a name', { resources: [{ resources: ['pods'], resourceNames: ['web'] }] }, GET, true],
    ['another', { resources: [{ resources: ['pods'], resourceNames: ['x'] }] }, GET, false],
    ['a path', { nonResourceURLs: ['/healthz/ping'] }, HEALTH, true],
    ['paths', { nonResourceURLs: ['/healthz*'] }, HEALTH, true],
    ['all paths', { nonResourceURLs: ['*'] }, HEALTH, true],
    ['a path, and a resource', { nonResourceURLs: ['*'] }, GET, false],
  ];
  for (const [title, rule, request, fits] of cases) {
    it(title, () => {
      const { level } = decide(policy([{ level: 'Request', ...rule }]), request);
      assert.equal(level, fits ? 'Request' : 'None');
    });
  }

  it('takes the first rule that fits', () => {
    const rules = [{ level: 'None', users: ['bob'] }, { level: 'Metadata' }];
    assert.equal(decide(policy(rules), GET).level, 'None');
  });

  it('omits the stages of the policy and of the rule', () => {
    const rules = [{ level: 'Metadata', omitStages: ['Panic'], omitManagedFields: false }];
    const more = { omitStages: ['RequestReceived'], omitManagedFields: true };
    const { omits, omitManagedFields } = decide(policy(rules, more), GET);
    assert.deepEqual([...omits], ['RequestReceived', 'Panic']);
    assert.equal(omitManagedFields, false);
  });
});

describe('readPolicy() refuses', () => {
  const cases: readonly [title: string, rules: unknown, message: RegExp][] = [
    ['no rules', [], /it has no rules/],
    ['no level', [{}], /rules\[0\]\.level has absent, want None, Metadata/],
    ['an unknown level', [{ level: 'Much' }], /rules\[0\]\.level has "Much"/],
    ['a misspelt field', [{ level: 'None', user: ['a'] }], /rules\[0\] has "user", want level/],
    ['an unknown stage', [{ level: 'None', omitStages: ['End'] }], /omitStages\[0\] has "End"/],
    ['a text for a list', [{ level: 'None', verbs: 'get' }], /verbs has "get", want a list/],
    [
      'names of no resource',
      [{ level: 'None', resources: [{ resourceNames: ['a'] }] }],
      /resourceNames without resources/,
    ],
    [
      'paths with resources',
      [{ level: 'None', nonResourceURLs: ['*'], resources: [{}] }],
      /want one/,
    ],
  ];
  for (const [title, rules, message] of cases) {
    it(title, () => {
      const text = JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules });
      assert.throws(() => readPolicy(text), message);
    });
  }

  it('what is no policy', () => {
    assert.throws(() => readPolicy('kind: Pod'), /it is "Pod in undefined", want a Policy/);
    assert.throws(() => readPolicy(''), /the policy has null, want an object/);
  });
});
