import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badCredentials, bearerToken } from './bearer-token.ts';

const cases: { name: string; header?: string; token?: string }[] = [
  { name: 'a token', header: 'Bearer abc', token: 'abc' },
  { name: 'a scheme in other letters, and room around', header: ' bEARER abc ', token: 'abc' },
  { name: 'no header' },
  { name: 'an empty header', header: '' },
  { name: 'no token', header: 'Bearer' },
  { name: 'an empty token', header: 'Bearer ' },
  { name: 'two tokens', header: 'Bearer a b' },
  { name: 'two spaces', header: 'Bearer  a' },
  { name: 'a second line', header: 'Bearer a\nb' },
  { name: 'another scheme', header: 'Basic abc' },
  { name: 'a scheme that only begins so', header: 'BearerX abc' },
  { name: 'a book', header: `Bearer ${'x'.repeat(70_000)}` },
];
for (const { name, header, token } of cases) {
  test(`bearerToken() reads ${name} as ${token ?? 'none'}`, () => {
    const credentials = header === undefined ? {} : { authorization: header };
    assert.equal(bearerToken(credentials), token);
  });
}

test('badCredentials() keeps the reason from the client', () => {
  const error = badCredentials('the account is gone');
  assert.equal(JSON.stringify(error.status).includes('gone'), false);
  assert.deepEqual([error.code, (error.cause as Error).message], [401, 'the account is gone']);
});
