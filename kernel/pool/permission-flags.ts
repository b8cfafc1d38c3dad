import { existsSync } from 'node:fs';
import { allowsPath, type Grants } from './grants.ts';

/**
 * Node's own permission model, per thread: nothing of the file system but what was granted, no
 * processes, threads, addons, WASI or inspector. The guards in the host come before it and say
 * clearer what is missing; this holds where a guard has a hole. It knows nothing of the network.
 */
export function permissionFlags(grants: Grants): string[] {
  const flags = [PERMISSION_FLAG, '--no-addons', '--no-warnings'];
  const { read = [], write = [] } = grants;
  // Who may write may read back.
  flags.push(...pathFlags('--allow-fs-read', [...read, ...write]));
  flags.push(...pathFlags('--allow-fs-write', write));
  return flags;
}

/**
 * One flag a path; Node itself adds what is below a folder that exists. None twice, and none
 * inside of another: Node 20 then aborts the process.
 */
function pathFlags(flag: string, paths: readonly string[]): string[] {
  const outermost = [...new Set(paths)].filter(
    path => !paths.some(other => other !== path && allowsPath([other], path)),
  );
  return outermost.map(path => `${flag}=${existsSync(path) ? path : `${path}/*`}`);
}

const NODE_MAJOR = Number(process.versions.node.split('.')[0]);

const PERMISSION_FLAG = NODE_MAJOR < 22 ? '--experimental-permission' : '--permission';

/** For the process that runs a host's thread and does nothing else. */
export const ALLOW_WORKER_FLAGS = [
  PERMISSION_FLAG,
  '--allow-worker',
  '--no-addons',
  '--no-warnings',
];
