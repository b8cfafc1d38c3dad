import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseLabelSelector } from 'kernetes/sdk';
import { SelectorClaims } from './selector-claims.ts';
import { readyPod } from './test-setup.ts';

const PODS = [readyPod('a', { app: 'web', tier: 'front' }), readyPod('b', { app: 'web' })];

/** What another autoscaler's target selects, and whether that has one of the pods. */
const CASES: readonly (readonly [string, string, boolean])[] = [
  ['the same label', 'app=web', true],
  ['a label that one of them has', 'tier=front', true],
  ['one of several values', 'app in (db,web)', true],
  ['a single value of several', 'app in (web)', true],
  ['the presence of a label', 'tier', true],
  ['the absence of a label', '!tier', true],
  ['everything', '', true],
  ['another value', 'app=db', false],
  ['one label that they have, and one that they have not', 'app=web,tier=back', false],
];

describe('SelectorClaims', () => {
  for (const [name, selector, isClaimed] of CASES) {
    it(`${isClaimed ? 'finds' : 'does not find'} a claim on ${name}`, () => {
      const claims = new SelectorClaims();
      claims.claim('default/other', parseLabelSelector(selector));
      claims.claim('elsewhere/other', parseLabelSelector(selector));
      const want = isClaimed ? ['default/other'] : [];
      assert.deepEqual(claims.claimants('default', PODS), want);
    });
  }

  it('forgets what was released, and what was claimed before', () => {
    const claims = new SelectorClaims();
    claims.claim('default/one', parseLabelSelector('app=web'));
    claims.claim('default/one', parseLabelSelector('app=db'));
    claims.claim('default/two', parseLabelSelector('app=web'));
    assert.deepEqual(claims.claimants('default', PODS), ['default/two']);
    claims.release('default/two');
    claims.release('default/two');
    assert.deepEqual(claims.claimants('default', PODS), []);
  });
});
