import assert from 'node:assert/strict';
import { it } from 'node:test';
import { userHeaders } from './user-headers.ts';

it('userHeaders() says who asks, as bytes that a header can have', () => {
  const user = {
    name: 'jané',
    uid: '7',
    groups: ['a', 'b,c'],
    extra: { 'example.com/scope': ['x'], '50%': ['y'] },
  };
  assert.deepEqual(userHeaders(user), {
    'x-remote-user': Buffer.from('jané').toString('latin1'),
    'x-remote-uid': '7',
    'x-remote-group': ['a', 'b,c'],
    'x-remote-extra-example.com%2Fscope': ['x'],
    'x-remote-extra-50%25': ['y'],
  });
});
