import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gitVersion, parseRelease } from './release.ts';

test('parseRelease() reads releases, and refuses what is none', () => {
  assert.equal(parseRelease('1.20'), 20);
  assert.equal(parseRelease('v1.33'), 33);
  for (const text of ['1.19', '1.99', '2.0', '', '1.20.3', 'newest']) {
    assert.throws(
      () => parseRelease(text),
      /Cannot emulate Kubernetes .*: want a release from 1\.20/,
    );
  }
  assert.match(gitVersion(20), /^v1\.20\.0\+kernetes\./);
});
