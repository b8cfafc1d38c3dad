import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from 'kernetes/sdk';
import { takeBearer } from './subprotocol.ts';

const bearer = (token: string) =>
  `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`;
const HEADER = 'sec-websocket-protocol';

describe('takeBearer()', () => {
  it('takes the token out of the subprotocols', () => {
    const headers = { [HEADER]: `${bearer('sécret')}, base64.binary.k8s.io` };
    assert.equal(takeBearer(headers), 'Bearer sécret');
    assert.equal(headers[HEADER], 'base64.binary.k8s.io');
  });

  it('leaves others alone', () => {
    const headers = { [HEADER]: 'a, b' };
    assert.equal(takeBearer(headers), undefined);
    assert.equal(takeBearer({}), undefined);
    assert.equal(headers[HEADER], 'a, b');
  });

  const refused = {
    'no other subprotocol': bearer('a'),
    'two tokens': `${bearer('a')}, ${bearer('b')}, c`,
    'an empty token': `${bearer('')}, c`,
    'a token that is no base64url': `${bearer('a')}=, c`,
  };
  for (const [name, value] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => takeBearer({ [HEADER]: value }),
        (error: unknown) => ApiError.is(error, 'Unauthorized'),
      );
    });
  }
});
