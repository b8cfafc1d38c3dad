import { realpathSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { NotCapable } from '../../sdk/not-capable.ts';
import type { BrokeredResource } from './wire.ts';

/** What the operator lets a plugin do. Absent or empty: nothing of the sort. */
export interface Grants {
  /** `host:port`, `host` for all its ports, `*:port` for all hosts. */
  readonly net?: readonly string[];
  /** Files, and folders with all below them. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  /** Names of environment variables. */
  readonly env?: readonly string[];
  /** Programs: an absolute path, or a name that is looked up in the kernel's PATH. */
  readonly run?: readonly string[];
  /** Functions of `node:os` that tell about the machine: `hostname`, `userInfo` … */
  readonly sys?: readonly string[];
}

export function allowsNet(grants: Grants, host: string, port: number): boolean {
  return (grants.net ?? []).some(grant => {
    const match = /^(\[[^\]]*\]|[^:]*)(?::(\*|\d+))?$/.exec(grant);
    if (!match) return false;
    const [, grantedHost = '', grantedPort = '*'] = match;
    return (
      (grantedHost === '*' || bareHost(grantedHost) === bareHost(host)) &&
      (grantedPort === '*' || grantedPort === String(port))
    );
  });
}

/**
 * The grants with real paths, as they are to be compared. Throws on a path that Node's permission
 * flags would read as several, or as a pattern.
 */
export function resolveGrants(grants: Grants): Grants {
  const real = (paths: readonly string[]) =>
    paths.map(path => {
      if (/[,*]/.test(path))
        throw new Error(`Cannot grant "${path}": it has a comma or an asterisk`);
      return realPath(resolve(path));
    });
  const { read, write } = grants;
  return { ...grants, ...(read && { read: real(read) }), ...(write && { write: real(write) }) };
}

/** What does not exist yet has the real path of its folder. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === dirname(path)) throw error;
    return join(realPath(dirname(path)), basename(path));
  }
}

/** `path` is absolute and free of symlinks, and so are the grants. */
export function allowsPath(granted: readonly string[] | undefined, path: string): boolean {
  return (granted ?? []).some(grant => {
    const folder = resolve(grant);
    return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  });
}

/** The file of a program that is granted, or undefined. */
export function findProgram(
  grants: Grants,
  program: string,
  { path, isFile }: { readonly path: string; readonly isFile: (file: string) => boolean },
): string | undefined {
  if (!(grants.run ?? []).includes(program)) return undefined;
  if (isAbsolute(program)) return program;
  if (program.includes(sep)) return undefined;
  for (const folder of path.split(delimiter)) {
    if (isAbsolute(folder) && isFile(join(folder, program))) return join(folder, program);
  }
  return undefined;
}

/** Without the brackets of an IPv6 address; case does not matter. */
function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}

/** Throws NotCapable. The host checks too, to refuse at once; this is the check that counts. */
export function assertGranted(plugin: string, grants: Grants, wanted: BrokeredResource): void {
  if (wanted.type === 'run') {
    if ((grants.run ?? []).includes(wanted.program)) return;
    const action = `run "${wanted.program}"`;
    throw new NotCapable({ plugin, action, permission: 'run', target: wanted.program });
  }
  const { host, port } = wanted.type === 'fetch' ? addressOf(wanted.url) : wanted;
  if (allowsNet(grants, host, port)) return;
  const target = `${host}:${port}`;
  throw new NotCapable({ plugin, action: `connect to "${target}"`, permission: 'net', target });
}

function addressOf(text: string): { host: string; port: number } {
  const url = new URL(text);
  const isTls = url.protocol === 'https:';
  if (!isTls && url.protocol !== 'http:') {
    throw new TypeError(`Cannot fetch "${url.protocol}": only http: and https: are known`);
  }
  return { host: url.hostname, port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port) };
}
