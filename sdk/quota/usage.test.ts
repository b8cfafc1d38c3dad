import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addUsage,
  excessUsage,
  formatUsage,
  isSameUsage,
  parseUsage,
  printUsage,
  subtractUsage,
} from './usage.ts';

const SOME = parseUsage({ pods: '5', memory: '1Gi' });

describe('usages', () => {
  it('are printed sorted, in their canonical form', () => {
    assert.equal(printUsage(parseUsage({ pods: '5', cpu: '1500m' })), 'cpu=1500m,pods=5');
  });

  it('add up name by name', () => {
    const sum = addUsage(SOME, parseUsage({ pods: '1', cpu: '100m' }));
    assert.deepEqual(formatUsage(sum), { pods: '6', memory: '1Gi', cpu: '100m' });
  });

  it('are subtracted down to 0', () => {
    const rest = subtractUsage(SOME, parseUsage({ pods: '7', memory: '512Mi', cpu: '1' }));
    assert.deepEqual(formatUsage(rest), { pods: '0', memory: '512Mi' });
  });

  it('have an excess where they are more', () => {
    const excess = excessUsage(SOME, parseUsage({ pods: '5', memory: '512Mi' }));
    assert.deepEqual(formatUsage(excess), { memory: '512Mi' });
  });

  it('are the same by value', () => {
    assert.ok(isSameUsage(SOME, parseUsage({ memory: '1024Mi', pods: '5' })));
    assert.ok(!isSameUsage(SOME, parseUsage({ pods: '5' })));
    assert.ok(!isSameUsage(SOME, parseUsage({ pods: '5', memory: '1G' })));
  });
});
