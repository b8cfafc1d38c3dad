import { readFileSync } from 'node:fs';
import satisfies from 'semver/functions/satisfies.js';
import validRange from 'semver/ranges/valid.js';
import { parse } from 'yaml';
import { explain, lazySchema } from './json-schema.ts';

/** What a plugin says about itself before any of its code is read: `plugin.yaml`. */
export interface Manifest {
  /** `<kind>.<name>` */
  readonly name: string;
  readonly version: string;
  /** Semver range of the SDK that it was written for. */
  readonly sdk: string;
  /** The entry module, relative to the manifest. */
  readonly entry: string;
  /** Plugins that must be loaded too, and are activated before. */
  readonly needs: readonly string[];
  /** Extension points that it contributes to. */
  readonly provides: readonly string[];
  /** What it asks for; only a grant gives it. */
  readonly permissions: Permissions;
}

export interface Permissions {
  readonly objects?: readonly ObjectRule[];
  /** `host:port` */
  readonly net?: readonly string[];
  /** Paths. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  /** Names of environment variables. */
  readonly env?: readonly string[];
  /** Programs. */
  readonly run?: readonly string[];
  readonly sys?: readonly string[];
}

/** As an RBAC PolicyRule; `*` stands for all. */
export interface ObjectRule {
  readonly groups: readonly string[];
  /** `pods`, `pods/status` */
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Absent: every name. */
  readonly names?: readonly string[];
}

/** Something about a plugin or profile that the operator must mend. One line, no stack. */
export class LoadError extends Error {
  override name = 'LoadError';
}

/** Reads and checks a manifest file; throws `LoadError`. */
export function readManifest(path: string): Manifest {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new LoadError(`Cannot read the manifest ${path}: ${(cause as Error).message}`, { cause });
  }
  let data: unknown;
  try {
    data = parse(text);
  } catch (cause) {
    throw new LoadError(`Cannot read the manifest ${path}: ${firstLine(cause)}`, { cause });
  }
  return checkManifest(data, path);
}

export function checkManifest(data: unknown, path: string): Manifest {
  const validate = validator();
  if (!validate(data))
    throw new LoadError(`Manifest ${path} is wrong: ${explain(validate.errors)}`);
  const manifest = { ...DEFAULTS, ...data };
  if (!validRange(manifest.sdk)) {
    throw new LoadError(`Manifest ${path} is wrong: sdk is "${manifest.sdk}", want a semver range`);
  }
  return manifest;
}

/** Throws `LoadError` unless the plugin was written for this SDK. */
export function checkSdkRange({ name, sdk }: Manifest, sdkVersion: string): void {
  if (satisfies(sdkVersion, sdk, { includePrerelease: true })) return;
  throw new LoadError(`Plugin "${name}" needs SDK ${sdk}: this is SDK ${sdkVersion}`);
}

const TEXTS = { type: 'array', items: { type: 'string', minLength: 1 } };

export const PERMISSIONS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    objects: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['groups', 'resources', 'verbs'],
        properties: {
          groups: { type: 'array', items: { type: 'string' } },
          resources: TEXTS,
          verbs: TEXTS,
          names: TEXTS,
        },
      },
    },
    net: TEXTS,
    read: TEXTS,
    write: TEXTS,
    env: TEXTS,
    run: TEXTS,
    sys: TEXTS,
  },
};

/** The file of a plugin's folder that says what it is. */
export const MANIFEST = 'plugin.yaml';

export const NAME_PATTERN = '^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$';

const DEFAULTS = { entry: 'plugin.ts', needs: [], provides: [], permissions: {} };

const validator = lazySchema<Pick<Manifest, 'name' | 'version' | 'sdk'> & Partial<Manifest>>({
  type: 'object',
  additionalProperties: false,
  required: ['name', 'version', 'sdk'],
  properties: {
    name: { type: 'string', pattern: NAME_PATTERN },
    version: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+' },
    sdk: { type: 'string' },
    entry: { type: 'string', minLength: 1 },
    needs: TEXTS,
    provides: TEXTS,
    permissions: PERMISSIONS_SCHEMA,
  },
});

function firstLine(error: unknown): string {
  return String((error as Error).message).split('\n', 1)[0] ?? '';
}
