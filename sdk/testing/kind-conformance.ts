import assert from 'node:assert/strict';
import { apiVersionOf, type KubeObject } from '../kind.ts';
import { inVersion, type KindDefinition, type KindVersion, kindPoint } from '../kind-definition.ts';
import type { PluginDefinition } from '../plugin.ts';
import type { Random } from '../random.ts';
import type { Schema } from '../schema.ts';
import { createdAs, updatedAs } from './kind-steps.ts';
import { seededRandom } from './seeded-random.ts';
import { activate } from './test-context.ts';

/** The kinds that a plugin contributes. */
export async function kindsOf(plugin: PluginDefinition): Promise<KindDefinition[]> {
  const { context, dispose } = await activate(plugin);
  const kinds = context.contributions(kindPoint).list();
  await dispose();
  return kinds.map(({ value }) => value);
}

export interface CheckKindOptions {
  readonly seed?: number;
  /** Objects that are tried in each version. Default: 300. */
  readonly objects?: number;
}

/**
 * What every kind must keep, tried on objects of every shape that the decoder lets through: its
 * functions do not throw, defaults are idempotent, cells are as many as columns, an unchanged
 * object is a valid update, and conversion keeps metadata. Throws an error that has the object which
 * broke it.
 */
export function checkKind(kind: KindDefinition, options: CheckKindOptions = {}): void {
  const { seed = 1, objects = 300 } = options;
  const { group = kind.group, version } = kind.storage;
  const stored = kind.versions.some(({ name }) => group !== kind.group || name === version);
  assert.ok(stored, `${kind.kind} is stored in version "${version}", which it does not have`);
  const random = seededRandom(seed);
  for (const each of kind.versions) {
    for (let i = 0; i < objects; i++) {
      const object = generate(each.schema, random) as unknown as KubeObject;
      checkObject(kind, each, {
        ...object,
        kind: kind.kind,
        apiVersion: apiVersionOf({ group: kind.group, version: each.name }),
        metadata: { name: 'x', ...(kind.namespaced && { namespace: 'default' }) },
      });
    }
  }
}

function checkObject(kind: KindDefinition, version: KindVersion, given: KubeObject): void {
  try {
    const { object, errors } = createdAs(kind, version.name, given);
    for (const { field, message } of errors) assert.ok(field && message, 'an error says nothing');
    checkDefaults(version, object);
    checkCells(version, object);
    const update = updatedAs(kind, version.name, { body: object, old: object });
    const { strategy } = inVersion(kind, version);
    assert.equal(update.errors.length, strategy.validate?.(update.object)?.length ?? 0);
    const back = checkConversion(kind, version, object);
    // What validation refuses is never stored, so what becomes of it does not matter.
    if (errors.length === 0) checkStable(version, back);
  } catch (error) {
    const message = `${kind.kind} ${version.name}: ${error}, on ${JSON.stringify(given)}`;
    throw new Error(message, { cause: error });
  }
}

function checkDefaults({ defaults }: KindVersion, object: KubeObject): void {
  const once = structuredClone(object);
  defaults?.(once);
  const twice = structuredClone(once);
  defaults?.(twice);
  assert.deepEqual(twice, once, 'defaults are not idempotent');
}

function checkCells({ columns = [], row }: KindVersion, object: KubeObject): void {
  const cells = row?.(object, 0) ?? [];
  assert.equal(cells.length, columns.length, 'cells are not as many as columns');
}

/** Returns the object as it comes back. */
function checkConversion(
  kind: KindDefinition,
  version: KindVersion,
  object: KubeObject,
): KubeObject {
  const before = structuredClone(object);
  const stored = version.toStorage?.(structuredClone(object)) ?? object;
  for (const read of Object.values(kind.selectableFields ?? {})) {
    assert.equal(typeof read(version.fromStorage?.(structuredClone(stored)) ?? stored), 'string');
  }
  const back = version.fromStorage?.(structuredClone(stored)) ?? stored;
  assert.deepEqual(object, before, 'a function changed what it was only to read');
  assert.equal(back.metadata.name, before.metadata.name);
  return back;
}

/** Reading and writing back through a version changes nothing. */
function checkStable({ toStorage, fromStorage }: KindVersion, object: KubeObject): void {
  const stored = toStorage?.(structuredClone(object)) ?? object;
  const back = fromStorage?.(structuredClone(stored)) ?? stored;
  assert.deepEqual(back, object, 'conversion loses something');
}

/** A value of a schema's structure, with any part of it missing. */
function generate(schema: Schema | undefined, random: Random, depth = 0): unknown {
  switch (schema?.type) {
    case 'object':
      return generateObject(schema, random, depth);
    case 'map': {
      const keys = KEYS.slice(0, random.integer(KEYS.length + 1));
      const value = () => generate(schema.additionalProperties, random, depth + 1);
      return Object.fromEntries(keys.map(key => [key, value()]));
    }
    case 'array':
      return Array.from({ length: random.integer(3) }, () =>
        generate(schema.items, random, depth + 1),
      );
    default: {
      const values = VALUES[schema?.type ?? 'raw'] ?? [{}];
      return structuredClone(values[random.integer(values.length)]);
    }
  }
}

function generateObject(schema: Schema, random: Random, depth: number): object {
  const object: Record<string, unknown> = {};
  for (const [name, property] of schema.properties) {
    // Everything below the root is as likely there as not; deep down only little is.
    if (random.next() < (depth < DEEP ? 0.5 : 0.2) && depth < DEPTH_MAX) {
      object[name] = generate(property, random, depth + 1);
    }
  }
  return object;
}

const DEEP = 6;
const DEPTH_MAX = 12;
const KEYS = ['app', 'kubernetes.io/hostname', 'a b'];
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  string: ['', 'a', 'Bad Name', 'Always', 'RollingUpdate', 'Resource', 'In', '10.0.0.1', '{'],
  integer: [-1, 0, 1, 80, 70_000],
  number: [0, 1.5],
  boolean: [false, true],
  quantity: ['1', '100m', '1Gi'],
  'int-or-string': [0, 1, -1, '50%', '200%', 'http'],
  time: ['2026-01-01T00:00:00Z'],
  'micro-time': ['2026-01-01T00:00:00.000000Z'],
  bytes: ['', 'YQ=='],
  raw: [{}, { a: 1 }],
};
