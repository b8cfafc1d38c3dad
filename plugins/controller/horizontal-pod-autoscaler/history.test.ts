import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { History } from './history.ts';

describe('History', () => {
  it('keeps the last hour, and no more than one wish for each second of it', () => {
    const history = new History(1, 0);
    const kept = () => history.recommendedSince(0);
    history.recommend(2, 3_600_000);
    assert.deepEqual(kept(), [1, 2]);
    history.recommend(3, 3_600_001);
    assert.deepEqual(kept(), [2, 3]);
    for (let i = 0; i < 4_000; i++) history.recommend(4, 3_600_002 + i);
    assert.equal(kept().length, 3_601);
  });

  it('takes an attempt for a change where there is then what was attempted', () => {
    const history = new History(2, 0);
    history.attempt(2, 4, 10);
    history.found(3);
    history.found(4);
    assert.equal(history.changedAfter(0), 0);
    history.attempt(4, 6, 20);
    history.found(6);
    history.found(6);
    assert.equal(history.changedAfter(0), 2);
    assert.equal(history.changedAfter(20), 0);
  });
});
