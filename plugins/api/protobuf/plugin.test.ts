import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyPoint } from 'kernetes/sdk';
import { activate, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

test('api.protobuf contributes while it is active, and nothing after', async () => {
  const observer = testContext();
  const active = await activate(plugin, { kernel: observer.kernel });
  const contributions = observer.context.contributions(bodyPoint);
  const types = contributions.list().flatMap(({ value }) => value.mediaTypes);
  assert.deepEqual(types, ['application/vnd.kubernetes.protobuf']);
  await active.dispose();
  assert.deepEqual(contributions.list(), []);
  await observer.dispose();
});
