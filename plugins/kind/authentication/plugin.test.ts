import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import {
  type Authenticated,
  badCredentials,
  type Credentials,
  type KindDefinition,
  type SelfSubjectReview,
  serviceUnavailable,
  type TokenReview,
  type TokenReviewSpec,
  unauthorized,
  type VirtualRequest,
} from 'kernetes/sdk';
import { checkKind, kindsOf } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { selfSubjectReviews } from './self-subject-review.ts';
import { tokenReviews } from './token-review.ts';

const CONFIG = { apiAudiences: ['api'] };
for (const kind of await kindsOf(plugin)) {
  test(`${kind.kind} conforms`, () => checkKind(kind));
}

const REQUEST: VirtualRequest = { user: { name: 'alice', groups: [] }, namespace: '', options: {} };
const ALICE = { name: 'alice', uid: '7', groups: ['dev'], extra: { key: ['value'] } };
const ALICE_INFO = { username: 'alice', uid: '7', groups: ['dev'], extra: { key: ['value'] } };

async function create<T>(kind: KindDefinition, object: object, request = REQUEST): Promise<T> {
  const made = await kind.virtual?.create?.({ metadata: {}, ...object }, request);
  return made as T;
}

describe('TokenReview', () => {
  function review(spec: TokenReviewSpec, authenticate: (asked: Credentials) => Authenticated) {
    const door = () => ({ authenticate });
    return create<TokenReview>(tokenReviews({ door, ...CONFIG }), { spec });
  }

  const told: {
    name: string;
    audiences?: string[];
    found: Authenticated | Error;
    status: TokenReview['status'];
  }[] = [
    {
      name: 'the user of a token for the API server',
      found: { ...ALICE, audiences: ['api'] },
      status: { authenticated: true, user: ALICE_INFO, audiences: ['api'] },
    },
    {
      name: 'the user of a token that names no audience',
      found: ALICE,
      status: { authenticated: true, user: ALICE_INFO, audiences: ['api'] },
    },
    {
      name: 'which of the audiences it is for',
      audiences: ['vault', 'other'],
      found: { ...ALICE, audiences: ['vault'] },
      status: { authenticated: true, user: ALICE_INFO, audiences: ['vault'] },
    },
    {
      name: 'that a token without audience is not for another',
      audiences: ['vault'],
      found: ALICE,
      status: { user: {}, error: 'invalid bearer token' },
    },
    {
      name: 'that nobody knows it',
      found: unauthorized(),
      status: { user: {}, error: 'invalid bearer token' },
    },
    {
      name: 'why it is bad',
      found: badCredentials('it is old'),
      status: { user: {}, error: '[invalid bearer token, it is old]' },
    },
  ];
  for (const { name, audiences, found, status } of told) {
    it(`tells ${name}`, async () => {
      const asked: Credentials[] = [];
      const spec = { token: 't', ...(audiences && { audiences }) };
      const answer = await review(spec, credentials => {
        asked.push(credentials);
        if (found instanceof Error) throw found;
        return found;
      });
      assert.deepEqual(answer.status, status);
      assert.deepEqual(asked, [{ authorization: 'Bearer t', audiences: audiences ?? ['api'] }]);
    });
  }

  it('wants a token', async () => {
    const says = /token is required for TokenReview in authentication/;
    await assert.rejects(
      review({ token: '' }, () => ALICE),
      says,
    );
  });

  it('fails when nobody can be asked', async () => {
    const asked = review({ token: 't' }, () => {
      throw serviceUnavailable('x');
    });
    await assert.rejects(asked, /x/);
  });
});

it('SelfSubjectReview tells who asks', async () => {
  const request = { ...REQUEST, user: ALICE };
  const answer = await create<SelfSubjectReview>(selfSubjectReviews, {}, request);
  assert.deepEqual(answer.status, { userInfo: ALICE_INFO });
});
