import { execFile } from 'node:child_process';

/** Runs `ip` of iproute2 and resolves with its output; rejects with what it complained of. */
export type IpCommand = (args: readonly string[]) => Promise<string>;

/** In the network namespace of that name; empty: in that of this process. */
export function ipCommand(namespace: string): IpCommand {
  const before = namespace === '' ? [] : ['-n', namespace];
  return args =>
    new Promise((resolve, reject) => {
      execFile('ip', [...before, ...args], { maxBuffer: OUTPUT_BYTES_MAX }, (error, out, err) => {
        if (!error) resolve(String(out));
        else reject(new Error(String(err).trim() || error.message, { cause: error }));
      });
    });
}

/** A hundred thousand routes. */
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;
