import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readReview } from './review.ts';

function patchOf(patch: string): readonly unknown[] | undefined {
  const response = { uid: 'u', allowed: true, patchType: 'JSONPatch', patch };
  const answer = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  return readReview(answer, { uid: 'u', version: 'v1', mutates: true }).patch;
}

const OPERATIONS = [{ op: 'remove', path: '/spec' }];
const BASE64 = Buffer.from(JSON.stringify(OPERATIONS)).toString('base64');

test('readReview() decodes a patch, in lines or not', () => {
  assert.deepEqual(patchOf(BASE64), OPERATIONS);
  assert.deepEqual(patchOf(`${BASE64.slice(0, 8)}\r\n${BASE64.slice(8)}\n`), OPERATIONS);
});

for (const { name, patch } of [
  { name: 'with other characters', patch: '[{}]' },
  { name: 'that goes on after its end', patch: 'YQ==YQ==' },
  { name: 'of very much space', patch: `${' '.repeat(1_000_000)}!` },
]) {
  test(`readReview() refuses a patch ${name}`, () => {
    assert.throws(() => patchOf(patch), { message: 'response.patch is not base64' });
  });
}
