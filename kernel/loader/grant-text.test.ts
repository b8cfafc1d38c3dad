import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGrants } from './grant-text.ts';

test('parseGrants() reads every kind of permission, and gathers them by plugin', () => {
  const grants = parseGrants([
    'a',
    'b:net=127.0.0.1:80,*:443',
    'b:env=HOME',
    'b:objects=get,list@pods',
    'b:objects=update@apps/deployments,replicasets',
    'b:objects=patch@/pods/status',
    'b:objects=*@*/*',
    'c.d-e:read=/etc/x',
    'a:net=x:1',
  ]);
  assert.deepEqual(grants, {
    a: 'all',
    b: {
      net: ['127.0.0.1:80', '*:443'],
      env: ['HOME'],
      objects: [
        { groups: [''], resources: ['pods'], verbs: ['get', 'list'] },
        { groups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['update'] },
        { groups: [''], resources: ['pods/status'], verbs: ['patch'] },
        { groups: ['*'], resources: ['*'], verbs: ['*'] },
      ],
    },
    'c.d-e': { read: ['/etc/x'] },
  });
});

test('parseGrants() refuses what it does not understand', () => {
  for (const text of [
    '',
    ':net=x',
    'a:',
    'a:nope=x',
    'a:objects=get',
    'a:net=',
    'a:objects=@pods',
  ]) {
    assert.throws(() => parseGrants([text]), /^LoadError: The grant is ".*": want NAME, /, text);
  }
});
