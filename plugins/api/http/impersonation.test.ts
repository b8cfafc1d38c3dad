import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, type Attributes, forbidden, type User } from 'kernetes/sdk';
import { impersonate } from './impersonation.ts';
import type { Request } from './server.ts';

const BOSS = { name: 'boss', groups: [] };

/** Sends headers; tells who one is then, and what was asked for. */
async function send(rawHeaders: readonly string[], refuse = '') {
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map(name => name.toLowerCase());
  const headers = Object.fromEntries(names.map(name => [name, 'x']));
  const asked: string[] = [];
  const authorize = (attributes: Attributes) => {
    assert.ok(!('path' in attributes));
    assert.deepEqual([attributes.user, attributes.verb], [BOSS, 'impersonate']);
    const { group, resource, subresource, namespace, name } = attributes;
    const what = [group, namespace, resource, subresource, name].filter(Boolean).join('/');
    asked.push(what);
    if (what === refuse) throw forbidden({ group, resource }, name, 'no');
  };
  const request = { headers, rawHeaders } as unknown as Request;
  const user = await impersonate(request, BOSS, { authorize });
  return { user, asked };
}

describe('impersonate()', () => {
  const accepted: { name: string; headers: string[]; asked: string[]; user: User }[] = [
    {
      name: 'a user',
      headers: ['Impersonate-User', 'alice'],
      asked: ['users/alice'],
      user: { name: 'alice', groups: ['system:authenticated'] },
    },
    {
      name: 'groups, one header each, a comma being part of one',
      headers: ['Impersonate-User', 'a', 'impersonate-group', 'x, y', 'Impersonate-Group', 'z'],
      asked: ['users/a', 'groups/x, y', 'groups/z'],
      user: { name: 'a', groups: ['x, y', 'z', 'system:authenticated'] },
    },
    {
      name: 'system:masters, as a group like others',
      headers: ['Impersonate-User', 'a', 'Impersonate-Group', 'system:masters'],
      asked: ['users/a', 'groups/system:masters'],
      user: { name: 'a', groups: ['system:masters', 'system:authenticated'] },
    },
    {
      name: 'a service account, with its groups',
      headers: ['Impersonate-User', 'system:serviceaccount:ns:robot'],
      asked: ['ns/serviceaccounts/robot'],
      user: {
        name: 'system:serviceaccount:ns:robot',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
      },
    },
    {
      name: 'a service account with other groups',
      headers: ['Impersonate-User', 'system:serviceaccount:ns:robot', 'Impersonate-Group', 'g'],
      asked: ['ns/serviceaccounts/robot', 'groups/g'],
      user: { name: 'system:serviceaccount:ns:robot', groups: ['g', 'system:authenticated'] },
    },
    {
      name: 'a name that is only like an account',
      headers: ['Impersonate-User', 'system:serviceaccount:NS:robot'],
      asked: ['users/system:serviceaccount:NS:robot'],
      user: { name: 'system:serviceaccount:NS:robot', groups: ['system:authenticated'] },
    },
    {
      name: 'nobody',
      headers: ['Impersonate-User', 'system:anonymous'],
      asked: ['users/system:anonymous'],
      user: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
    },
    {
      name: 'somebody who did not sign in',
      headers: ['Impersonate-User', 'a', 'Impersonate-Group', 'system:unauthenticated'],
      asked: ['users/a', 'groups/system:unauthenticated'],
      user: { name: 'a', groups: ['system:unauthenticated'] },
    },
    {
      name: 'uid and extra, whose keys are lower-case and encoded',
      headers: [
        ...['Impersonate-User', 'a', 'Impersonate-Uid', '7'],
        ...[
          'Impersonate-Extra-Acme.com%2FProject',
          'p',
          'IMPERSONATE-EXTRA-acme.com%2fproject',
          'q',
        ],
        ...['Impersonate-Extra-Bad%zz', 'r', 'Impersonate-Extra-__proto__', 's'],
      ],
      asked: [
        'users/a',
        'authentication.k8s.io/userextras/acme.com/project/p',
        'authentication.k8s.io/userextras/acme.com/project/q',
        'authentication.k8s.io/userextras/bad%zz/r',
        'authentication.k8s.io/userextras/__proto__/s',
        'authentication.k8s.io/uids/7',
      ],
      user: {
        name: 'a',
        uid: '7',
        groups: ['system:authenticated'],
        extra: JSON.parse(
          '{ "acme.com/project": ["p", "q"], "bad%zz": ["r"], "__proto__": ["s"] }',
        ),
      },
    },
  ];
  for (const { name, headers, asked, user } of accepted) {
    it(`lets one be ${name}`, async () => {
      const sent = await send(headers);
      assert.deepEqual(sent.asked, asked);
      assert.deepEqual(sent.user, user);
    });

    it(`refuses ${name} where any part of it is refused`, async () => {
      for (const part of asked) {
        await assert.rejects(send(headers, part), error => ApiError.is(error, 'Forbidden'));
      }
    });
  }

  it('leaves a request without such headers alone', async () => {
    assert.deepEqual(await send(['Accept', '*/*']), { user: undefined, asked: [] });
  });

  for (const headers of [
    ['Impersonate-Group', 'system:masters'],
    ['Impersonate-Uid', '7'],
    ['Impersonate-Extra-x', 'y'],
    ['Impersonate-User', '', 'Impersonate-Group', 'g'],
    ['Impersonate-Nothing', 'x'],
  ]) {
    it(`refuses ${headers.join(' ')} without a user`, async () => {
      await assert.rejects(send(headers), error => {
        assert.ok(ApiError.is(error, 'InternalError'));
        assert.match(error.message, /requested \[.*\] without impersonating a user/);
        return true;
      });
    });
  }
});
