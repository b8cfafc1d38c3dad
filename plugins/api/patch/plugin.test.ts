import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patcherPoint } from 'kernetes/sdk';
import { activate, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

test('api.patch contributes while it is active, and nothing after', async () => {
  const observer = testContext();
  const active = await activate(plugin, { kernel: observer.kernel });
  const contributions = observer.context.contributions(patcherPoint);
  const provided = contributions.list().flatMap(({ value }) => value.types);
  assert.deepEqual(provided, [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
  ]);
  await active.dispose();
  assert.deepEqual(contributions.list(), []);
  await observer.dispose();
});
