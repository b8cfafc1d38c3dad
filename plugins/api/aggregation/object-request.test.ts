import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, type ObjectRequest } from 'kernetes/sdk';
import { objectOf, pathOf } from './object-request.ts';

const GROUP = { group: 'custom.metrics.k8s.io', version: 'v1beta2' };

describe('pathOf()', () => {
  const cases: { of: Partial<ObjectRequest>; path: string }[] = [
    {
      of: { namespace: 'a', resource: 'pods', name: '*', subresource: 'rps' },
      path: 'namespaces/a/pods/*/rps',
    },
    {
      of: { resource: 'pods', options: { labelSelector: 'app in (a,b)' } },
      path: 'pods?labelSelector=app+in+%28a%2Cb%29',
    },
    { of: { resource: 'things', name: 'a/../b' }, path: 'things/a%2F..%2Fb' },
  ];
  for (const { of, path } of cases) {
    it(`gives ${path}`, () => {
      const request = { verb: 'get', resource: '', ...GROUP, ...of } as const;
      assert.equal(pathOf(request), `/apis/custom.metrics.k8s.io/v1beta2/${path}`);
    });
  }

  it('refuses what changes something', () => {
    assert.throws(() => pathOf({ verb: 'create', resource: 'pods', ...GROUP }), { code: 405 });
  });
});

describe('objectOf()', () => {
  const answer = (status: number, body: string) => ({ status, type: '', body: Buffer.from(body) });

  it('gives the object', () => assert.deepEqual(objectOf(answer(200, '{"a":1}')), { a: 1 }));

  for (const [status, body, reason] of [
    [404, '{"kind":"Status","reason":"NotFound","message":"gone"}', 'NotFound'],
    [502, 'bad gateway', 'ServiceUnavailable'],
    [200, 'no JSON', 'ServiceUnavailable'],
  ] as const) {
    it(`throws ${reason} on ${status} "${body}"`, () => {
      assert.throws(
        () => objectOf(answer(status, body)),
        (error: unknown) => ApiError.is(error, reason),
      );
    });
  }
});
