import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decoderPoint } from 'kernetes/sdk';
import { activate, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

test('api.decoder contributes while it is active, and nothing after', async () => {
  const observer = testContext();
  const active = await activate(plugin, { kernel: observer.kernel });
  const contributions = observer.context.contributions(decoderPoint);
  const names = contributions.list().map(({ name }) => name);
  assert.deepEqual(names, ['api.decoder']);
  await active.dispose();
  assert.deepEqual(contributions.list(), []);
  await observer.dispose();
});
