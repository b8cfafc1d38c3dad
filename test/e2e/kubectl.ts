import { execFile, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Why tests of kubectl are skipped; false: they are not. */
export function withoutKubectl(): string | false {
  const { status } = spawnSync('kubectl', ['version', '--client']);
  return status === 0 ? false : 'there is no kubectl program here';
}

/** The real kubectl with a cluster's kubeconfig; rejects with what it wrote when it fails. */
export class Kubectl {
  readonly #env: NodeJS.ProcessEnv;

  constructor(kubeconfig: string) {
    // A cache of its own: another server may have had the port before, with other versions.
    const KUBECACHEDIR = join(dirname(kubeconfig), 'kubectl-cache');
    this.#env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR };
  }

  /** What it wrote to standard output. The arguments are words, without quotes. */
  run(command: string): Promise<string> {
    return this.program('kubectl', command.split(' '));
  }

  /** A program that calls kubectl. */
  async program(file: string, args: readonly string[] = []): Promise<string> {
    const options = { env: this.#env, timeout: TIMEOUT_MS };
    const { stdout } = await promisify(execFile)(file, args, options);
    return stdout;
  }
}

/** Everything simulated is done in far less. */
const TIMEOUT_MS = 60_000;
