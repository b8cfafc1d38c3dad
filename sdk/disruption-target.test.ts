import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disruptionTarget } from './disruption-target.ts';

test('disruptionTarget() says True, why and since when', () => {
  const why = { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting' };
  assert.deepEqual(disruptionTarget(why, '2026-01-01T00:00:00Z'), {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
});
