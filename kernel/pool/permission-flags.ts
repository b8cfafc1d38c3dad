import type { HostStart } from './host-api.ts';

/**
 * Node's own permission model, per thread: nothing of the file system but what was granted, no
 * processes, threads, addons, WASI or inspector. The guards in the host come before it and say
 * clearer what is missing; this holds where a guard has a hole. It knows nothing of the network.
 */
export function permissionFlags({ grants }: HostStart): string[] {
  const flags = [PERMISSION_FLAG, '--frozen-intrinsics', '--no-addons', '--no-warnings'];
  for (const path of [...(grants.read ?? []), ...(grants.write ?? [])]) {
    flags.push(`--allow-fs-read=${path}`);
  }
  for (const path of grants.write ?? []) flags.push(`--allow-fs-write=${path}`);
  return flags;
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
