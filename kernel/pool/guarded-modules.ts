import type { Permission } from '../../sdk/not-capable.ts';
import type { Guard } from './guard.ts';

/**
 * Node's modules as plugins see them. Importing any of them succeeds, so that packages load, which
 * often import more than they use; what reaches out of the thread is there too, and refuses.
 *
 * A module that is not listed as free is guarded: a copy of its names, functions replaced by ones
 * that throw `NotCapable`, data copied. So what a new version of Node adds is refused, not let in.
 */
export class GuardedModules {
  readonly #guard: Guard;
  readonly #load: (name: string) => unknown;
  readonly #made = new Map<string, unknown>();
  readonly #special: ReadonlyMap<string, (real: () => unknown) => unknown>;

  /** `special`: what modules are instead, where there is more to it than refusing. */
  constructor(options: {
    readonly guard: Guard;
    readonly load: (name: string) => unknown;
    readonly special: ReadonlyMap<string, (real: () => unknown) => unknown>;
  }) {
    this.#guard = options.guard;
    this.#load = options.load;
    this.#special = options.special;
  }

  /** The plugins' `require`. Throws NotCapable for what is none of Node's modules. */
  readonly require = (specifier: unknown): unknown => {
    const text = String(specifier);
    const name = text.startsWith('node:') ? text.slice('node:'.length) : text;
    if (!this.#made.has(name)) this.#made.set(name, this.#make(name));
    return this.#made.get(name);
  };

  #make(name: string): unknown {
    if (FREE.has(name)) return this.#load(name);
    const special = this.#special.get(name);
    if (special) return special(() => this.#load(name));
    if (!this.#isBuiltin(name)) throw this.#guard.error(`load "${name}"`);
    return this.guarded(name);
  }

  /** `permission`: overrides the module's, by the member's name. */
  guarded(name: string, permissionOf?: (member: string) => Permission | undefined): unknown {
    const permission = permissionOf ?? (() => PERMISSIONS.get(name.split('/')[0] ?? ''));
    return this.#copy(this.#tryLoad(name), name, permission, 0);
  }

  #isBuiltin(name: string): boolean {
    const { isBuiltin } = this.#load('module') as { isBuiltin(name: string): boolean };
    return isBuiltin(name) || isBuiltin(`node:${name}`);
  }

  /** Some refuse to be loaded under Node's permission model: they have no names then. */
  #tryLoad(name: string): unknown {
    try {
      return this.#load(`node:${name}`);
    } catch {
      return {};
    }
  }

  #copy(
    value: unknown,
    path: string,
    permissionOf: (member: string) => Permission | undefined,
    depth: number,
  ): unknown {
    const member = path.slice(path.lastIndexOf('.') + 1);
    if (typeof value === 'function') {
      const refusing = this.#guard.refusing(path, permissionOf(member));
      return depth < DEPTH_MAX
        ? this.#copyFields(value, refusing, path, permissionOf, depth)
        : refusing;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.filter(element => typeof element !== 'object');
    return depth < DEPTH_MAX ? this.#copyFields(value, {}, path, permissionOf, depth) : {};
  }

  #copyFields(
    from: object,
    to: object,
    path: string,
    permissionOf: (member: string) => Permission | undefined,
    depth: number,
  ): object {
    for (const key of Object.keys(from)) {
      const value = this.#copy(field(from, key), `${path}.${key}`, permissionOf, depth + 1);
      Object.defineProperty(to, key, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return to;
  }
}

const DEPTH_MAX = 3;

/** Getters of a module may refuse. */
function field(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** These compute and keep time; nothing of them reaches out of the thread. */
const FREE: ReadonlySet<string> = new Set([
  'assert',
  'assert/strict',
  'buffer',
  'constants',
  'events',
  'path',
  'path/posix',
  'path/win32',
  'punycode',
  'querystring',
  'stream',
  'stream/consumers',
  'stream/promises',
  'stream/web',
  'string_decoder',
  'timers',
  'timers/promises',
  'url',
  'util/types',
  'zlib',
]);

/** What would have to be granted; other modules are for no plugin. */
const PERMISSIONS: ReadonlyMap<string, Permission> = new Map([
  ['child_process', 'run'],
  ['dgram', 'net'],
  ['dns', 'net'],
  ['http', 'net'],
  ['http2', 'net'],
  ['https', 'net'],
  ['net', 'net'],
  ['os', 'sys'],
  ['tls', 'net'],
]);
