import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyRule } from './api/types-rbac-v1.ts';
import { compactRules, coversPath, formatRule, uncoveredRules } from './policy-rule.ts';

const rule = (verbs: string, groups: string, resources: string, names?: string): PolicyRule => ({
  verbs: verbs.split(','),
  apiGroups: groups.split(','),
  resources: resources.split(','),
  ...(names && { resourceNames: names.split(',') }),
});
const urls = (verbs: string, paths: string): PolicyRule => ({
  verbs: verbs.split(','),
  nonResourceURLs: paths.split(','),
});

describe('uncoveredRules()', () => {
  const cases: readonly [string, PolicyRule[], PolicyRule[], string[]][] = [
    ['the same rule is covered', [rule('get', '', 'pods')], [rule('get', '', 'pods')], []],
    ['nothing covers nothing but itself', [], [], []],
    ['a rule without parts asks for nothing', [], [{ verbs: ['get'] }], []],
    ['everything covers all resources', [rule('*', '*', '*')], [rule('x,y', 'a,b', 'c,d/e')], []],
    [
      'all verbs are not covered by some',
      [rule('get,list', '', 'pods')],
      [rule('*', '', 'pods')],
      ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}'],
    ],
    [
      'two rules may cover one together',
      [rule('get', '', 'pods'), rule('list', '', 'pods')],
      [rule('get,list', '', 'pods')],
      [],
    ],
    [
      'a resource does not cover its subresources',
      [rule('get', '', 'pods')],
      [rule('get', '', 'pods/log')],
      ['{APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}'],
    ],
    [
      'a subresource of all covers that of one',
      [rule('get', '', '*/scale')],
      [rule('get', '', 'x/scale')],
      [],
    ],
    [
      'a name does not cover all names',
      [rule('get', '', 'pods', 'a')],
      [rule('get', '', 'pods')],
      ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
    ],
    [
      'each name is looked for',
      [rule('get', '', 'pods', 'a')],
      [rule('get', '', 'pods', 'a,b')],
      ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}'],
    ],
    [
      'a URL covers those that it starts',
      [urls('get', '/api*')],
      [urls('get', '/api/v1,/apis/*')],
      [],
    ],
    [
      'a URL does not cover a wider one',
      [urls('get', '/api/*')],
      [urls('get', '/*')],
      ['{NonResourceURLs:["/*"], Verbs:["get"]}'],
    ],
    [
      'resources cover no URLs',
      [rule('*', '*', '*')],
      [urls('get', '/x')],
      ['{NonResourceURLs:["/x"], Verbs:["get"]}'],
    ],
  ];
  for (const [title, held, wanted, missing] of cases) {
    it(title, () => assert.deepEqual(uncoveredRules(held, wanted).map(formatRule), missing));
  }
});

describe('compactRules()', () => {
  it('gives the parts of one resource their verbs again, and mixes nothing else', () => {
    const parts = [
      rule('get', '', 'pods'),
      rule('get', '', 'nodes'),
      rule('list', '', 'pods'),
      rule('get', '', 'pods', 'a'),
      rule('list', '', 'pods', 'a'),
      urls('get', '/x'),
      urls('head', '/x'),
    ];
    assert.deepEqual(compactRules(parts).map(formatRule), [
      '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}',
      '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}',
      '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get" "list"]}',
      '{NonResourceURLs:["/x"], Verbs:["get"]}',
      '{NonResourceURLs:["/x"], Verbs:["head"]}',
    ]);
  });
});

describe('coversPath()', () => {
  const cases: readonly [string, string, boolean][] = [
    ['/api', '/api', true],
    ['/api', '/api/v1', false],
    ['/api/*', '/api/v1', true],
    ['/api/*', '/api', false],
    ['*', '/anything', true],
    ['/a*b', '/axb', false],
  ];
  for (const [url, path, is] of cases) {
    it(`${url} ${is ? 'covers' : 'does not cover'} ${path}`, () => {
      assert.equal(coversPath([url], path), is);
    });
  }
});
