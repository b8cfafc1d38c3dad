import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ApiError,
  type KubeObject,
  type Patcher,
  type Schema,
  schemaFrom,
  schemaOf,
} from 'kernetes/sdk';
import { jsonPatcher, mergePatcher, strategicMergePatcher } from './patchers.ts';

const POD = schemaOf('', 'v1', 'Pod') as Schema;
const DEPLOYMENT = schemaOf('apps', 'v1', 'Deployment') as Schema;
const SERVICE = schemaOf('', 'v1', 'Service') as Schema;

function run(patcher: Patcher, live: object, patch: unknown, schema = POD): unknown {
  const type = patcher.types[0];
  assert.ok(type);
  const object = deepFreeze({ metadata: {}, ...live }) as KubeObject;
  return patcher.patch(object, deepFreeze(patch), { type, schema });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

interface Case {
  readonly name: string;
  readonly live: object;
  readonly patch: unknown;
  readonly want: object;
  readonly schema?: Schema;
}

function runCases(patcher: Patcher, cases: readonly Case[]): void {
  for (const { name, live, patch, want, schema } of cases) {
    test(`${patcher.types[0]}: ${name}`, () => {
      assert.deepEqual(run(patcher, live, patch, schema), { metadata: {}, ...want });
    });
  }
}

runCases(jsonPatcher, [
  {
    name: 'adds, replaces and removes',
    live: { a: { b: 1, c: 2 }, l: [1, 2, 3] },
    patch: [
      { op: 'add', path: '/a/d', value: 3 },
      { op: 'replace', path: '/a/b', value: 0 },
      { op: 'remove', path: '/a/c' },
      { op: 'add', path: '/l/-', value: 4 },
      { op: 'add', path: '/l/0', value: 0 },
      { op: 'remove', path: '/l/1' },
      { op: 'replace', path: '/l/1', value: 'two' },
    ],
    want: { a: { b: 0, d: 3 }, l: [0, 'two', 3, 4] },
  },
  {
    name: 'moves, copies and tests',
    live: { a: { b: [1] } },
    patch: [
      { op: 'test', path: '/a', value: { b: [1] } },
      { op: 'test', path: '/nothing', value: null },
      { op: 'copy', from: '/a/b', path: '/c' },
      { op: 'move', from: '/a/b', path: '/d' },
    ],
    want: { a: {}, c: [1], d: [1] },
  },
  {
    name: 'reads escapes and odd keys',
    live: { metadata: { labels: { 'x/y': '1', 'p~q': '2' } } },
    patch: [
      { op: 'replace', path: '/metadata/labels/x~1y', value: '3' },
      { op: 'remove', path: '/metadata/labels/p~0q' },
      { op: 'add', path: '/metadata/labels/__proto__', value: 'z' },
    ],
    want: { metadata: { labels: JSON.parse('{"x/y":"3","__proto__":"z"}') } },
  },
  {
    name: 'replaces the whole document',
    live: { a: 1 },
    patch: [{ op: 'replace', path: '', value: { b: 2 } }],
    want: { b: 2 },
  },
]);

runCases(mergePatcher, [
  {
    name: 'merges objects, replaces lists, and deletes at null',
    live: { a: { b: 1, c: 2 }, l: [1, 2], gone: 1 },
    patch: { a: { c: null, d: { e: 1, f: null } }, l: [3], gone: null, never: null },
    want: { a: { b: 1, d: { e: 1 } }, l: [3] },
  },
  {
    name: 'replaces a scalar by an object',
    live: { a: 1 },
    patch: { a: { b: null } },
    want: { a: {} },
  },
  {
    name: 'takes __proto__ for a key',
    live: {},
    patch: JSON.parse('{"data":{"__proto__":{"x":1}}}'),
    want: JSON.parse('{"data":{"__proto__":{"x":1}}}'),
  },
]);

const WEB = {
  name: 'web',
  image: 'a',
  env: [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ],
};
const SIDE = { name: 'side', image: 's' };

function pod(...containers: object[]): object {
  return { spec: { containers } };
}

runCases(strategicMergePatcher, [
  {
    name: 'merges lists by their key (kubectl set image)',
    live: pod(WEB, SIDE),
    patch: pod({ name: 'web', image: 'b' }),
    want: pod({ ...WEB, image: 'b' }, SIDE),
  },
  {
    name: 'adds an element before those that the patch does not name, without nulls and directives',
    live: pod(WEB),
    patch: pod({
      name: 'new',
      image: 'n',
      args: null,
      '$setElementOrder/env': [{ name: 'X' }],
      env: [{ name: 'X' }],
    }),
    want: pod({ name: 'new', image: 'n', env: [{ name: 'X' }] }, WEB),
  },
  {
    name: 'deletes an element with $patch: delete',
    live: pod(WEB, SIDE),
    patch: pod({ $patch: 'delete', name: 'side' }),
    want: pod(WEB),
  },
  {
    name: 'replaces a list with $patch: replace',
    live: pod(WEB, SIDE),
    patch: pod({ name: 'only', image: 'o' }, { $patch: 'replace' }),
    want: pod({ name: 'only', image: 'o' }),
  },
  {
    name: 'replaces a map with $patch: replace',
    live: { metadata: { labels: { a: '1', b: '2' } } },
    patch: { metadata: { labels: { $patch: 'replace', c: '3' } } },
    want: { metadata: { labels: { c: '3' } } },
  },
  {
    name: 'empties a map with $patch: delete',
    live: { spec: { securityContext: { runAsUser: 1 } } },
    patch: { spec: { securityContext: { $patch: 'delete' } } },
    want: { spec: { securityContext: {} } },
  },
  {
    name: 'merges with $patch: merge as without',
    live: pod(WEB),
    patch: pod({ $patch: 'merge', name: 'web', image: 'b' }),
    want: pod({ ...WEB, image: 'b' }),
  },
  {
    name: 'orders by $setElementOrder and keeps what only the server has in its place (kubectl apply)',
    live: pod({ name: 'a' }, { name: 'injected' }, { name: 'b' }, { name: 'c' }),
    patch: {
      spec: {
        '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }, { name: 'd' }],
        containers: [
          { name: 'd', image: 'i' },
          { $patch: 'delete', name: 'a' },
        ],
      },
    },
    want: pod({ name: 'injected' }, { name: 'c' }, { name: 'b' }, { name: 'd', image: 'i' }),
  },
  {
    name: 'orders without changing elements',
    live: pod(WEB, SIDE),
    patch: { spec: { '$setElementOrder/containers': [{ name: 'side' }, { name: 'web' }] } },
    want: pod(SIDE, WEB),
  },
  {
    name: 'merges, orders and deletes from lists of primitives',
    live: { metadata: { finalizers: ['a', 'b', 'server'] } },
    patch: {
      metadata: {
        '$deleteFromPrimitiveList/finalizers': ['a'],
        '$setElementOrder/finalizers': ['c', 'b'],
        finalizers: ['c'],
      },
    },
    want: { metadata: { finalizers: ['c', 'b', 'server'] } },
  },
  {
    name: 'merges primitives without repeating them',
    live: { metadata: { finalizers: ['a'] } },
    patch: { metadata: { finalizers: ['b', 'a'] } },
    want: { metadata: { finalizers: ['b', 'a'] } },
  },
  {
    name: 'replaces atomic lists',
    live: pod({ name: 'c', args: ['x', 'y'] }),
    patch: pod({ name: 'c', args: ['z'] }),
    want: pod({ name: 'c', args: ['z'] }),
  },
  {
    name: 'keeps only $retainKeys (a volume of another type)',
    live: {
      spec: {
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'w', emptyDir: {} },
        ],
      },
    },
    patch: {
      spec: {
        volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/p' } }],
      },
    },
    want: {
      spec: {
        volumes: [
          { name: 'v', hostPath: { path: '/p' } },
          { name: 'w', emptyDir: {} },
        ],
      },
    },
  },
  {
    name: 'keeps only $retainKeys (a strategy of another type)',
    live: { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    patch: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    want: { spec: { strategy: { type: 'Recreate' } } },
    schema: DEPLOYMENT,
  },
  {
    name: 'deletes at null, also what is not there (kubectl label x-)',
    live: { metadata: { labels: { a: '1', b: '2' } } },
    patch: { metadata: { labels: { a: null, c: null }, annotations: null } },
    want: { metadata: { labels: { b: '2' } } },
  },
  {
    name: 'merges service ports by port',
    live: { spec: { ports: [{ port: 80, nodePort: 30000 }, { port: 81 }] } },
    patch: { spec: { ports: [{ port: 80, targetPort: 'http' }] } },
    want: { spec: { ports: [{ port: 80, nodePort: 30000, targetPort: 'http' }, { port: 81 }] } },
    schema: SERVICE,
  },
  {
    name: 'merges nested lists (kubectl set env, rollout restart)',
    live: { spec: { template: { metadata: {}, ...pod(WEB) } } },
    patch: {
      spec: {
        template: {
          metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 't' } },
          ...pod({
            name: 'web',
            env: [
              { name: 'B', value: null, valueFrom: {} },
              { name: 'C', value: '3' },
            ],
          }),
        },
      },
    },
    want: {
      spec: {
        template: {
          metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 't' } },
          ...pod({
            ...WEB,
            env: [
              { name: 'A', value: '1' },
              { name: 'B', valueFrom: {} },
              { name: 'C', value: '3' },
            ],
          }),
        },
      },
    },
    schema: DEPLOYMENT,
  },
  {
    name: 'takes fields that the schema lacks, for the decoder to report',
    live: { spec: { nope: [1] } },
    patch: { spec: { nope: [2] }, other: 1 },
    want: { spec: { nope: [2] }, other: 1 },
  },
]);

interface Refusal {
  readonly name: string;
  readonly patcher: Patcher;
  readonly live?: object;
  readonly patch: unknown;
  readonly code: number;
  readonly reason: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    name: 'a failed test',
    patcher: jsonPatcher,
    live: { a: 1 },
    patch: [{ op: 'test', path: '/a', value: 2 }],
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'a path to nothing',
    patcher: jsonPatcher,
    patch: [{ op: 'remove', path: '/a/b' }],
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'a replacement of nothing',
    patcher: jsonPatcher,
    patch: [{ op: 'replace', path: '/a', value: 1 }],
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'an addition below nothing',
    patcher: jsonPatcher,
    patch: [{ op: 'add', path: '/a/b', value: 1 }],
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'an inherited property as a path',
    patcher: jsonPatcher,
    patch: [{ op: 'remove', path: '/constructor' }],
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'an index beyond the end',
    patcher: jsonPatcher,
    live: { l: [1] },
    patch: [{ op: 'add', path: '/l/3', value: 1 }],
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'a move into itself',
    patcher: jsonPatcher,
    live: { a: { b: 1 } },
    patch: [{ op: 'move', from: '/a', path: '/a/b' }],
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'copies that grow without end',
    patcher: jsonPatcher,
    live: { a: { x: 'y'.repeat(1000) } },
    patch: Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '/a', path: `/a/k${i}` })),
    code: 422,
    reason: 'Invalid',
  },
  { name: 'no list', patcher: jsonPatcher, patch: {}, code: 400, reason: 'BadRequest' },
  {
    name: 'an unknown operation',
    patcher: jsonPatcher,
    patch: [{ op: 'toString', path: '/a' }],
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a path that is no pointer',
    patcher: jsonPatcher,
    patch: [{ op: 'remove', path: 'a' }],
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: 'an addition without value',
    patcher: jsonPatcher,
    patch: [{ op: 'add', path: '/a' }],
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: 'a result that is no object',
    patcher: jsonPatcher,
    patch: [{ op: 'replace', path: '', value: 1 }],
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: 'too many operations',
    patcher: jsonPatcher,
    patch: new Array(10_001).fill({ op: 'test', path: '/a', value: null }),
    code: 413,
    reason: 'RequestEntityTooLarge',
  },
  { name: 'a list', patcher: mergePatcher, patch: [], code: 400, reason: 'BadRequest' },
  { name: 'null', patcher: mergePatcher, patch: null, code: 400, reason: 'BadRequest' },
  { name: 'a string', patcher: strategicMergePatcher, patch: 'x', code: 400, reason: 'BadRequest' },
  {
    name: 'an unknown $patch',
    patcher: strategicMergePatcher,
    patch: { $patch: 'mix' },
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: 'an unknown $patch in a list',
    patcher: strategicMergePatcher,
    live: pod(WEB),
    patch: pod({ name: 'web', $patch: 'mix' }),
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: 'an element without its key',
    patcher: strategicMergePatcher,
    live: pod(WEB),
    patch: pod({ image: 'x' }),
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'a deletion without its key',
    patcher: strategicMergePatcher,
    live: pod(WEB),
    patch: pod({ $patch: 'delete' }),
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'primitives among objects',
    patcher: strategicMergePatcher,
    live: pod(WEB),
    patch: { spec: { containers: [{ name: 'a' }, 'b'] } },
    code: 422,
    reason: 'Invalid',
  },
  {
    name: 'keys beside $retainKeys',
    patcher: strategicMergePatcher,
    patch: { spec: { $retainKeys: ['a'], b: 1 }, metadata: {} },
    live: { spec: {} },
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: '$setElementOrder without an element',
    patcher: strategicMergePatcher,
    live: pod(WEB),
    patch: {
      spec: { '$setElementOrder/containers': [{ name: 'x' }], containers: [{ name: 'y' }] },
    },
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: '$setElementOrder that is no list',
    patcher: strategicMergePatcher,
    patch: { '$setElementOrder/containers': 1 },
    code: 400,
    reason: 'BadRequest',
  },
  {
    name: '$deleteFromPrimitiveList that is no list',
    patcher: strategicMergePatcher,
    patch: { '$deleteFromPrimitiveList/x': 1 },
    code: 400,
    reason: 'BadRequest',
  },
];

for (const { name, patcher, live = {}, patch, code, reason } of REFUSALS) {
  test(`${patcher.types[0]} refuses ${name} with ${code}`, () => {
    assert.throws(
      () => run(patcher, live, patch),
      error => error instanceof ApiError && error.code === code && error.reason === reason,
    );
  });
}

test('every type refuses what nests too deep', () => {
  let deep: object = {};
  for (let i = 0; i < 20_000; i++) deep = { a: deep };
  const context = { schema: POD };
  const live: KubeObject = { metadata: {} };
  for (const patcher of [jsonPatcher, mergePatcher, strategicMergePatcher]) {
    const [type] = patcher.types;
    assert.ok(type);
    const patch = patcher === jsonPatcher ? [{ op: 'add', path: '/a', value: deep }] : deep;
    assert.throws(() => patcher.patch(live, patch, { type, ...context }), /exceeded max depth/);
  }
});

test('strategic merge patches of custom resources are 415', () => {
  const custom = schemaFrom({ type: 'object', properties: {} });
  assert.throws(
    () => run(strategicMergePatcher, {}, {}, custom),
    error => ApiError.is(error, 'UnsupportedMediaType'),
  );
});

test('a list of many thousand elements is merged in linear time', () => {
  const finalizers = Array.from({ length: 50_000 }, (_, i) => `f${i}`);
  const patched = run(
    strategicMergePatcher,
    { metadata: { finalizers } },
    { metadata: { finalizers: finalizers.toReversed() } },
  ) as KubeObject;
  assert.equal(patched.metadata.finalizers?.[0], 'f49999');
});

test('application/json-patch+json: copies so much and no more', () => {
  const doubling = [
    { op: 'add', path: '/a', value: ['x'.repeat(1_000)] },
    ...Array.from({ length: 40 }, () => ({ op: 'copy', from: '/a', path: '/a/-' })),
  ];
  assert.throws(
    () => run(jsonPatcher, {}, doubling),
    error =>
      ApiError.is(error, 'Invalid') &&
      error.status.code === 422 &&
      /accumulated size increase of copy is \d+, exceeding the limit 3145728$/.test(
        error.status.details?.causes?.[0]?.message ?? '',
      ),
  );
});

test('application/json-patch+json: what was copied or moved is changed in its place only', () => {
  const live = { a: { x: [1] }, b: {} };
  const patch = [
    { op: 'add', path: '/a/y', value: { z: [] } },
    { op: 'copy', from: '/a', path: '/b/c' },
    { op: 'add', path: '/b/c/x/-', value: 2 },
    { op: 'add', path: '/a/y/z/-', value: 3 },
    { op: 'move', from: '/a/y', path: '/d' },
    { op: 'add', path: '/d/z/-', value: 4 },
    { op: 'add', path: '/b/__proto__', value: { e: 5 } },
  ];
  assert.equal(
    JSON.stringify(run(jsonPatcher, live, patch)),
    '{"metadata":{},"a":{"x":[1]},"b":{"c":{"x":[1,2],"y":{"z":[]}},"__proto__":{"e":5}},"d":{"z":[3,4]}}',
  );
});

/** Each would take minutes if every operation, or every directive, went over the whole. */
const LARGE = Array.from({ length: 10_000 }, (_, n) => n);
const BOMBS = [
  {
    title: 'many operations on a large map',
    patcher: jsonPatcher,
    live: { data: Object.fromEntries(LARGE.concat(LARGE).map((n, at) => [`k${n}-${at}`, 'v'])) },
    patch: LARGE.map(n => ({ op: 'add', path: `/data/n${n}`, value: 'v' })),
    count: (object: { readonly data?: object }) => Object.keys(object.data ?? {}).length,
    want: 30_000,
  },
  {
    title: 'many operations on a large list',
    patcher: jsonPatcher,
    live: { list: LARGE },
    patch: LARGE.map(n => ({ op: n % 2 ? 'add' : 'remove', path: '/list/0', value: n })),
    count: (object: { readonly list?: readonly unknown[] }) => object.list?.length,
    want: 10_000,
  },
  {
    title: 'many elements to delete of a large list',
    patcher: strategicMergePatcher,
    live: { spec: { containers: LARGE.map(n => ({ name: `c${n}` })) } },
    patch: { spec: { containers: LARGE.map(n => ({ $patch: 'delete', name: `c${n * 2}` })) } },
    count: (object: Containers) => object.spec?.containers.length,
    want: 5_000,
  },
  {
    title: 'a large order of a large list',
    patcher: strategicMergePatcher,
    live: { spec: { containers: LARGE.map(n => ({ name: `c${n}` })) } },
    patch: {
      spec: { '$setElementOrder/containers': LARGE.toReversed().map(n => ({ name: `c${n}` })) },
    },
    count: (object: Containers) => object.spec?.containers[0]?.name,
    want: 'c9999',
  },
];

interface Containers {
  readonly spec?: { readonly containers: readonly { readonly name: string }[] };
}

for (const { title, patcher, live, patch, count, want } of BOMBS) {
  test(`${patcher.types[0]}: takes no square of the time for ${title}`, { timeout: 10_000 }, () => {
    assert.equal(count(run(patcher, live, patch) as object), want);
  });
}
