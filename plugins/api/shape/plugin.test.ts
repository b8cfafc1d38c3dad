import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shapePoint } from 'kernetes/sdk';
import { activate, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

test('api.shape contributes while it is active, and nothing after', async () => {
  const observer = testContext();
  const active = await activate(plugin, { kernel: observer.kernel });
  const contributions = observer.context.contributions(shapePoint);
  const provided = contributions.list().map(({ value }) => value.name);
  assert.deepEqual(provided, ['Table', 'PartialObjectMetadata']);
  await active.dispose();
  assert.deepEqual(contributions.list(), []);
  await observer.dispose();
});
