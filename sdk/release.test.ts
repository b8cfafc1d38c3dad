import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KindDefinition } from './kind-definition.ts';
import { atRelease, deprecationIn, olderVersion } from './release.ts';
import { builtInSchema } from './schema.ts';

const kind = {
  resource: 'widgets',
  versions: [
    { name: 'v1', releases: { since: 21 } },
    { name: 'v1beta1', releases: { until: 24 } },
  ],
} as unknown as KindDefinition;

for (const [release, wanted] of [
  [0, ['v1', 'v1beta1']],
  [20, ['v1beta1']],
  [21, ['v1', 'v1beta1']],
  [24, ['v1', 'v1beta1']],
  [25, ['v1']],
] as const) {
  test(`atRelease() shows clients of 1.${release} the versions ${wanted.join(' and ')}`, () => {
    const names = atRelease(kind, release)?.versions.map(({ name }) => name);
    assert.deepEqual(names, wanted);
  });
}

test('atRelease() shows no kind that the release does not know, and others unchanged', () => {
  const young = {
    versions: [{ name: 'v1', releases: { since: 30 } }],
  } as unknown as KindDefinition;
  assert.equal(atRelease(young, 29), undefined);
  assert.equal(atRelease(young, 30), young);
});

test('olderVersion() says where it was served and what to use', () => {
  const group = 'coordination.k8s.io';
  const newer = { name: 'v1', schema: builtInSchema(group, 'v1', 'Lease') };
  const of = { group, kind: 'Lease', name: 'v1beta1', deprecated: 19, until: 21 };
  const older = olderVersion(newer, of);
  assert.equal(older.name, 'v1beta1');
  assert.deepEqual(older.releases, { until: 21 });
  assert.equal(
    older.deprecation,
    'coordination.k8s.io/v1beta1 Lease is deprecated in v1.19+, unavailable in v1.22+; ' +
      'use coordination.k8s.io/v1 Lease',
  );
});

for (const [deprecation, release, wanted] of [
  ['v1 A is deprecated in v1.33+; use B', 32, false],
  ['v1 A is deprecated in v1.33+; use B', 33, true],
  ['v1 A is deprecated in v1.33+; use B', 0, false],
  ['v1 A is deprecated in v1.19+', 0, true],
  ['example.com/v1 A is deprecated', 20, true],
  [undefined, 36, false],
] as const) {
  test(`deprecationIn() ${wanted ? 'tells' : 'does not tell'} 1.${release} that "${deprecation}"`, () => {
    const told = deprecationIn({ ...(deprecation && { deprecation }) }, release);
    assert.equal(told, wanted ? deprecation : undefined);
  });
}
