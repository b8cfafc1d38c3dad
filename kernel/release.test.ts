import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KindDefinition } from '../sdk/kind-definition.ts';
import { atRelease, gitVersion, parseRelease } from './release.ts';

const kind = {
  resource: 'widgets',
  versions: [
    { name: 'v1', releases: { since: 21 } },
    { name: 'v1beta1', releases: { until: 24 } },
  ],
} as unknown as KindDefinition;

for (const [release, wanted] of [
  [20, ['v1beta1']],
  [21, ['v1', 'v1beta1']],
  [24, ['v1', 'v1beta1']],
  [25, ['v1']],
] as const) {
  test(`atRelease() gives 1.${release} the versions ${wanted.join(' and ')}`, () => {
    const names = atRelease(kind, release)?.versions.map(({ name }) => name);
    assert.deepEqual(names, wanted);
  });
}

test('atRelease() gives a release no kind that it does not know, and others unchanged', () => {
  const young = {
    versions: [{ name: 'v1', releases: { since: 30 } }],
  } as unknown as KindDefinition;
  assert.equal(atRelease(young, 29), undefined);
  assert.equal(atRelease(young, 30), young);
});

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
