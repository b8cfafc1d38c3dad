import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceAccountOf, serviceAccountUser } from './service-account.ts';

test('serviceAccountOf() reads what serviceAccountUser() writes', () => {
  const user = serviceAccountUser('kube-system', 'a.b-c');
  assert.equal(user, 'system:serviceaccount:kube-system:a.b-c');
  assert.deepEqual(serviceAccountOf(user), { namespace: 'kube-system', name: 'a.b-c' });
});

for (const user of [
  '',
  'alice',
  'system:serviceaccount:',
  'system:serviceaccount:ns',
  'system:serviceaccount:ns:',
  'system:serviceaccount::name',
  'system:serviceaccount:ns:name:more',
  'system:serviceaccount:NS:name',
  'system:serviceaccount:n.s:name',
  'System:serviceaccount:ns:name',
]) {
  test(`serviceAccountOf() takes "${user}" for none`, () => {
    assert.equal(serviceAccountOf(user), undefined);
  });
}
