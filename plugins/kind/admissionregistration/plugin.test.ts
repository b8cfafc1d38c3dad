import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admissionPoint, kindPoint } from 'kernetes/sdk';
import { activate, admissionRequest, checkKind } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const { context } = await activate(plugin);
const [admission] = context.contributions(admissionPoint).list();
const withExpression = { metadata: { name: 'p' }, spec: { validations: [{ expression: 'true' }] } };

test('the language of expressions is loaded with the first that is written', async () => {
  const request = admissionRequest(withExpression);
  assert.equal(admission?.value.mutate?.(admissionRequest({ metadata: { name: 'p' } })), undefined);
  await admission?.value.mutate?.(request);
});

for (const { value: kind } of context.contributions(kindPoint).list()) {
  test(`${kind.kind} of ${kind.group} conforms`, async () => {
    await admission?.value.mutate?.(admissionRequest(withExpression));
    checkKind(kind, { objects: 100 });
  });
}
