import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patcherPoint } from 'kernetes/sdk';
import { activate, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

test('api.patch contributes while it is active, and nothing after', async () => {
  const observer = testContext();
  const active = await activate(plugin, { kernel: observer.kernel });
  const contributions = observer.context.contributions(patcherPoint);
  const names = contributions.list().map(({ name }) => name);
  assert.deepEqual(names, ['api.patch/json', 'api.patch/merge', 'api.patch/strategic-merge']);
  await active.dispose();
  assert.deepEqual(contributions.list(), []);
  await observer.dispose();
});
