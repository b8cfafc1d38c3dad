import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from '../../sdk/status.ts';
import { ANY_REVISION, continueExpired, readContinue, writeContinue } from './continue.ts';

describe('readContinue()', () => {
  for (const token of [
    { revision: 7, start: 'default/a' },
    { revision: ANY_REVISION, start: 'node-1' },
  ]) {
    it(`reads what writeContinue() wrote of ${JSON.stringify(token)}`, () => {
      assert.deepEqual(readContinue(writeContinue(token)), token);
    });
  }

  const encoded = (token: unknown) => Buffer.from(JSON.stringify(token)).toString('base64url');
  const v = 'meta.k8s.io/v1';
  const refused: readonly (readonly [name: string, token: string, why: string])[] = [
    ['no base64', 'a b', ': illegal base64 data at input byte 1'],
    ['half a byte', 'aaaaa', ': illegal base64 data at input byte 4'],
    ['no JSON', 'zzz', ": invalid character 'Ï' looking for beginning of value"],
    [
      'the beginning of some JSON',
      Buffer.from('{"v"').toString('base64url'),
      ': unexpected end of JSON input',
    ],
    ['a list', encoded([]), ': json: cannot unmarshal value into a continue token'],
    ['nothing', encoded(null), ': server does not recognize this encoded version '],
    [
      'another version',
      encoded({ v: 'x', rv: 1, start: 'a' }),
      ': server does not recognize this encoded version x',
    ],
    [
      'no revision',
      encoded({ v, start: 'a' }),
      ': incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    ],
    [
      'a revision below any',
      encoded({ v, rv: -2, start: 'a' }),
      ': incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    ],
    ['no start', encoded({ v, rv: 1 }), ': encoded start key empty (version meta.k8s.io/v1)'],
    ['a way up', encoded({ v, rv: 1, start: 'a/../b' }), ': a/../b'],
  ];
  for (const [name, token, why] of refused) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => readContinue(token),
        (error: unknown) => {
          assert.ok(ApiError.is(error, 'BadRequest'));
          assert.equal(error.message, `invalid continue token: continue key is not valid${why}`);
          return true;
        },
      );
    });
  }
});

describe('continueExpired()', () => {
  it('brings a token that goes on at the same key', () => {
    const { status } = continueExpired('default/b');
    assert.deepEqual([status.code, status.reason], [410, 'Expired']);
    assert.deepEqual(readContinue(status.metadata?.continue ?? ''), {
      revision: ANY_REVISION,
      start: 'default/b',
    });
  });
});
