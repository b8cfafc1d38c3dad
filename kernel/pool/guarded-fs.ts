import type * as FileSystem from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allowsPath } from './grants.ts';
import type { Guard } from './guard.ts';
import type { GuardedModules } from './guarded-modules.ts';

/**
 * `node:fs` for a plugin with `read` or `write` grants: functions that take paths, with every path
 * first brought to the real one, links resolved, and compared with the grants; the operation then
 * runs on the real path. No descriptors, links or watching: they are refused. Node's permission
 * model allows the same folders beneath, but follows links out of them; this does not.
 */
export function guardedFs(fs: typeof FileSystem, guard: Guard, modules: GuardedModules): object {
  const permissionOf = (member: string) =>
    WRITERS.has(member.replace(/Sync$/, '')) ? 'write' : 'read';
  const copy = modules.guarded('fs', permissionOf) as Members;
  const promises = copy.promises as Members;
  const { read, write } = guard.grants;
  if (!read?.length && !write?.length) return copy;

  const paths = new GuardedPaths(fs, guard);
  for (const [name, roles] of Object.entries(OPERATIONS)) {
    copy[`${name}Sync`] = guardSync(own(fs, `${name}Sync`), roles, paths);
    copy[name] = guardCallback(own(fs, name), roles, paths);
    if (name in fs.promises) promises[name] = guardAsync(own(fs.promises, name), roles, paths);
  }
  copy.existsSync = (path: unknown) => {
    try {
      return fs.existsSync(paths.check(path, 'read'));
    } catch {
      return false;
    }
  };
  copy.createReadStream = (path: unknown, options?: object | string) =>
    fs.createReadStream(paths.check(path, 'read'), streamOptions(options));
  copy.createWriteStream = (path: unknown, options?: object | string) =>
    fs.createWriteStream(paths.check(path, 'write'), streamOptions(options));
  return copy;
}

type Role = 'read' | 'write';
type Operation = (...args: unknown[]) => unknown;
type Members = Record<string, unknown>;

/** What each path argument is for. */
const OPERATIONS: Readonly<Record<string, readonly Role[]>> = {
  access: ['read'],
  appendFile: ['write'],
  copyFile: ['read', 'write'],
  lstat: ['read'],
  mkdir: ['write'],
  readFile: ['read'],
  readdir: ['read'],
  realpath: ['read'],
  rename: ['write', 'write'],
  rm: ['write'],
  rmdir: ['write'],
  stat: ['read'],
  truncate: ['write'],
  unlink: ['write'],
  utimes: ['write'],
  writeFile: ['write'],
};

/** Names that a denial should ask `write` for. */
const WRITERS: ReadonlySet<string> = new Set([
  ...Object.keys(OPERATIONS).filter(name => OPERATIONS[name]?.includes('write')),
  'chmod',
  'chown',
  'cp',
  'createWriteStream',
  'fchmod',
  'fchown',
  'ftruncate',
  'futimes',
  'lchmod',
  'lchown',
  'link',
  'lutimes',
  'mkdtemp',
  'symlink',
  'write',
  'writev',
]);

class GuardedPaths {
  readonly #fs: typeof FileSystem;
  readonly #guard: Guard;
  readonly #granted: Readonly<Record<Role, readonly string[]>>;

  constructor(fs: typeof FileSystem, guard: Guard) {
    this.#fs = fs;
    this.#guard = guard;
    const { read = [], write = [] } = guard.grants;
    // Who may write may read back.
    this.#granted = { read: [...read, ...write], write };
  }

  /** The real path of `path`. Throws NotCapable when it is not granted. */
  check(path: unknown, role: Role): string {
    const text = textOf(path);
    const wanted = resolve(text);
    let real: string;
    try {
      real = this.#realPath(wanted);
    } catch {
      throw this.#guard.error(`${role} "${text}"`, role, wanted);
    }
    if (allowsPath(this.#granted[role], real)) return real;
    throw this.#guard.error(`${role} "${text}"`, role, real);
  }

  /** Of a file that is not there yet: its folder's real path, with its name. */
  #realPath(path: string): string {
    try {
      return this.#fs.realpathSync.native(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === dirname(path)) throw error;
      // A link to nothing would be followed when it is written to.
      if (this.#fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw error;
      return join(this.#realPath(dirname(path)), basename(path));
    }
  }
}

function guardSync(operation: Operation, roles: readonly Role[], paths: GuardedPaths): Operation {
  return (...args) => operation(...checked(args, roles, paths));
}

function guardAsync(operation: Operation, roles: readonly Role[], paths: GuardedPaths): Operation {
  return async (...args) => operation(...checked(args, roles, paths));
}

/** A refusal goes to the callback, as Node's own errors do. */
function guardCallback(
  operation: Operation,
  roles: readonly Role[],
  paths: GuardedPaths,
): Operation {
  return (...args) => {
    const callback = args.at(-1);
    try {
      return operation(...checked(args, roles, paths));
    } catch (error) {
      if (typeof callback !== 'function') throw error;
      queueMicrotask(() => callback(error));
      return undefined;
    }
  };
}

function checked(args: unknown[], roles: readonly Role[], paths: GuardedPaths): unknown[] {
  return args.map((arg, i) => {
    const role = roles[i];
    return role ? paths.check(arg, role) : arg;
  });
}

function own(members: object, name: string): Operation {
  return (members as Record<string, Operation>)[name] as Operation;
}

/** Without `fs` and `fd`, by which a stream could be given other functions or an open file. */
function streamOptions(options: object | string | undefined): object {
  if (typeof options === 'string') return { encoding: options };
  const { fs: _fs, fd: _fd, ...rest } = (options ?? {}) as { fs?: unknown; fd?: unknown };
  return rest;
}

/** Descriptors, among others, are no paths. */
function textOf(path: unknown): string {
  if (path instanceof URL) return fileURLToPath(path);
  if (typeof path === 'string') return path;
  if (path instanceof Uint8Array) return Buffer.from(path).toString();
  throw new TypeError(`Cannot use a ${typeof path} as a path`);
}
