import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalHash } from './canonical.ts';

const TEMPLATE = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image: 'nginx' }] },
};

describe('canonicalHash()', () => {
  it('is stable: names of ReplicaSets in people’s stores depend on it', () => {
    assert.equal(canonicalHash(TEMPLATE), 'df544b46d');
  });

  it('differs with the template and with the collision count', () => {
    const other = { ...TEMPLATE, spec: { containers: [] } };
    const hashes = [canonicalHash(TEMPLATE), canonicalHash(other), canonicalHash(TEMPLATE, 1)];
    assert.equal(new Set(hashes).size, 3);
    for (const hash of hashes) assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  });
});
