import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { explain, lazySchema } from './json-schema.ts';
import { LoadError, NAME_PATTERN, PERMISSIONS_SCHEMA, type Permissions } from './manifest.ts';

/** Which plugins make up a cluster, in the order that their contributions have. */
export interface Profile {
  readonly plugins: readonly ProfileEntry[];
}

export interface ProfileEntry {
  /** A built-in plugin's name. */
  readonly name?: string;
  /** A plugin's folder or single file; absolute once read. */
  readonly path?: string;
  /** A package in node_modules. */
  readonly package?: string;
  readonly placement?: Placement;
  readonly config?: unknown;
  /** `all`: whatever its manifest asks for. Built-in plugins have that by default. */
  readonly grants?: Permissions | 'all';
}

/** Where a plugin runs. `worker:<group>` is a thread that the plugins of the group share. */
export type Placement = 'inline' | 'worker' | 'process' | `worker:${string}`;

/** Reads a profile file (YAML or JSON); throws `LoadError`. */
export function readProfile(path: string): Profile {
  let data: unknown;
  try {
    data = parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = String((cause as Error).message).split('\n', 1)[0];
    throw new LoadError(`Cannot read the profile ${path}: ${why}`, { cause });
  }
  return checkProfile(data, path);
}

export function checkProfile(data: unknown, path: string): Profile {
  const validate = validator();
  if (!validate(data)) throw new LoadError(`Profile ${path} is wrong: ${explain(validate.errors)}`);
  const base = dirname(path);
  const plugins = data.plugins.map(entry =>
    entry.path ? { ...entry, path: resolve(base, entry.path) } : entry,
  );
  return { plugins };
}

const ENTRY_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', pattern: NAME_PATTERN },
    path: { type: 'string', minLength: 1 },
    package: { type: 'string', minLength: 1 },
    placement: { type: 'string', pattern: '^(inline|process|worker(:[a-z0-9-]+)?)$' },
    config: {},
    grants: { anyOf: [{ const: 'all' }, PERMISSIONS_SCHEMA] },
  },
  oneOf: [{ required: ['name'] }, { required: ['path'] }, { required: ['package'] }],
};

const validator = lazySchema<Profile>({
  type: 'object',
  additionalProperties: false,
  required: ['plugins'],
  properties: { plugins: { type: 'array', items: ENTRY_SCHEMA } },
});
