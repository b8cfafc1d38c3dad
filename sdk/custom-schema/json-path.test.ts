import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileJsonPath } from './json-path.ts';

const OBJECT = {
  metadata: { labels: { 'app.kubernetes.io/name': 'web' } },
  spec: { replicas: 3, list: ['a', 'b', 'c'] },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', weight: 2 },
      { type: 'Other', status: 'False', weight: 5 },
    ],
  },
};

const FOUND: [path: string, wanted: unknown[]][] = [
  ['.spec.replicas', [3]],
  ['.spec.nope', []],
  ['.', [OBJECT]],
  ["['spec']['replicas']", [3]],
  ['.metadata.labels.app\\.kubernetes\\.io/name', ['web']],
  [".metadata.labels['app.kubernetes.io/name']", ['web']],
  ['.spec.list[0]', ['a']],
  ['.spec.list[-1]', ['c']],
  ['.spec.list[9]', []],
  ['.spec.list[0:2]', ['a', 'b']],
  ['.spec.list[*]', ['a', 'b', 'c']],
  ['.spec.list[0,2]', ['a', 'c']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  ["$.status.conditions[?(@.type != 'Ready')].status", ['False']],
  ['.status.conditions[?(@.weight > 3)].type', ['Other']],
  ['.status.conditions[?(@.nope)].type', []],
  ['..weight', [2, 5]],
  ['.constructor', []],
];
for (const [path, wanted] of FOUND) {
  test(`compileJsonPath() follows ${path}`, () => {
    assert.deepEqual(compileJsonPath(path)(OBJECT), wanted);
  });
}

for (const path of [
  'spec',
  '.a[',
  '.a[x]',
  '.a[?(x)]',
  '.a[?(@.b==c)]',
  '..',
  `.${'a'.repeat(3_000)}`,
]) {
  test(`compileJsonPath() refuses ${path.slice(0, 20)}`, () => {
    assert.throws(() => compileJsonPath(path), /Cannot read/);
  });
}
