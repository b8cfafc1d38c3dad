import type { Schema } from 'kernetes/sdk';

/** Chance from a seed: the same for the same seed. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

/** A value that has its schema's form, and no more sense than chance gives it. */
export function valueFor(schema: Schema, chance: Chance, depth = 0): unknown {
  if (chance.next() < 0.003) return chance.of(STRANGE);
  switch (schema.type) {
    case 'object': {
      const object: Record<string, unknown> = {};
      const wanted = depth === 0 ? 1 : depth < 6 ? 0.5 : 0.1;
      for (const [name, field] of schema.properties) {
        if (depth > 12 || (chance.next() > wanted && !schema.required.includes(name))) continue;
        object[name] = valueFor(field, chance, depth + 1);
      }
      return object;
    }
    case 'map':
      return Object.fromEntries(
        Array.from({ length: chance.below(3) }, () => [
          chance.of(WORDS),
          schema.additionalProperties
            ? valueFor(schema.additionalProperties, chance, depth + 1)
            : chance.of(WORDS),
        ]),
      );
    case 'array':
      return Array.from({ length: chance.below(3) }, () =>
        schema.items ? valueFor(schema.items, chance, depth + 1) : chance.of(WORDS),
      );
    case 'integer':
    case 'number':
      return chance.of(NUMBERS);
    case 'boolean':
      return chance.next() < 0.5;
    case 'quantity':
      return chance.of(QUANTITIES);
    case 'int-or-string':
      return chance.of(['http', '25%', 80, 0, -1, '']);
    case 'time':
    case 'micro-time':
      return chance.of(TIMES);
    case 'bytes':
      return chance.of(['', 'aGk=', 'AAAA', 'a']);
    case 'raw':
      return chance.of(STRANGE);
    default:
      return chance.of(WORDS);
  }
}

/** The value with a few of its nodes replaced, removed, doubled. It is changed. */
export function mutated(value: unknown, chance: Chance): unknown {
  let root = value;
  for (let n = chance.below(3); n > 0; n--) {
    const nodes: (readonly [Record<string, unknown>, string])[] = [];
    collect(root, nodes);
    if (nodes.length === 0) {
      root = chance.of(STRANGE);
      continue;
    }
    const [parent, key] = chance.of(nodes);
    const act = chance.below(4);
    if (act === 0) delete parent[key];
    else if (act === 1) parent[chance.of(WORDS) || 'x'] = parent[key];
    else parent[key] = structuredClone(chance.of(STRANGE));
  }
  return root;
}

function collect(value: unknown, nodes: (readonly [Record<string, unknown>, string])[]): void {
  if (typeof value !== 'object' || value === null) return;
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object)) {
    nodes.push([object, key]);
    collect(object[key], nodes);
  }
}

/** What a delete may say. */
export function deleteOptionsOf(chance: Chance): object {
  return {
    kind: chance.of(['DeleteOptions', 'DeleteOptions', 'Pod', '']),
    apiVersion: chance.of(['v1', 'meta.k8s.io/v1', 'apps/v1', '']),
    gracePeriodSeconds: chance.of(NUMBERS),
    propagationPolicy: chance.of(['Foreground', 'Background', 'Orphan', 'a', undefined]),
    orphanDependents: chance.of([true, false, undefined, undefined]),
    dryRun: chance.of([['All'], [], ['a'], undefined]),
    preconditions: chance.of([{ uid: 'a' }, { resourceVersion: '1' }, {}, undefined]),
  };
}

/** A JSON patch of a few operations on paths that may lead somewhere. */
export function jsonPatchOf(value: unknown, chance: Chance): unknown {
  const paths = ['', '/metadata', '/spec', '/metadata/labels', '/-', '/data/-', '/spec/x~1y'];
  if (typeof value === 'object' && value !== null) {
    for (const [key, field] of Object.entries(value)) {
      paths.push(`/${key}`);
      if (typeof field === 'object' && field !== null) {
        for (const inner of Object.keys(field))
          paths.push(`/${key}/${inner}`, `/${key}/${inner}/0`);
      }
    }
  }
  return Array.from({ length: 1 + chance.below(3) }, () => ({
    op: chance.of(['add', 'remove', 'replace', 'move', 'copy', 'test', 'nope']),
    path: chance.of(paths),
    from: chance.of(paths),
    value: chance.of(STRANGE),
  }));
}

export const WORDS: readonly string[] = [
  'a',
  'web',
  'default',
  'v1',
  'Pod',
  'Always',
  'TCP',
  'In',
  'Exists',
  '10.0.0.1',
  '10.0.0.0/8',
  'fe80::1/64',
  'example.com',
  'a/b',
  '*',
  '',
  ' ',
  '-',
  '%',
  '(((',
  '^(a+)+$',
  '[',
  '$(x)',
  '{{',
  '__proto__',
  'constructor',
  'toString',
  '\u0000',
  '\uD800',
  '🦀',
  'self.x > 1',
  '* * * * *',
  'ClusterIP',
  'Service',
  'kube-system',
  'x'.repeat(300),
];
const NUMBERS = [0, 1, -1, 80, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 53, -(2 ** 63), 1e300, 0.5, -0];
const QUANTITIES = ['0', '1', '100m', '1Gi', '-1', '1e3', '9'.repeat(40), '1e99', '', 'x', 5, 0.1];
const TIMES = ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000000Z', '', 'x', null];
/** What fits nowhere. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  'x',
  '\u0000',
  [],
  {},
  [null],
  [[]],
  [{}],
  { '': '' },
  { a: null },
  { $patch: 'delete' },
  { $patch: 'replace', a: 1 },
  { $retainKeys: ['a'], b: 1 },
  { '$setElementOrder/containers': [{ name: 'a' }] },
  { '$deleteFromPrimitiveList/finalizers': ['a'] },
  [{ $patch: 'merge', name: 'a' }],
  { apiVersion: 'v1', kind: 'Pod' },
  { constructor: { prototype: { polluted: true } } },
  JSON.parse('{"__proto__":{"polluted":true}}'),
];
