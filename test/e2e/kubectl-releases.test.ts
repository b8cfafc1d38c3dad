import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createCluster } from 'kernetes';

/** Other releases' kubectl lie beside the one on PATH, where its distribution brings them. */
const run = promisify(execFile);

describe('kubectl of the emulated release', { timeout: 120_000 }, () => {
  for (const release of ['1.27', '1.29', '1.33']) {
    const binary = find(`kubectl.${release}`);
    const skip = binary === undefined && `kubectl.${release} is not installed`;
    it(`${release} works without a warning`, { skip }, async () => {
      await using cluster = await createCluster({ nodes: 0, emulate: release });
      const kubeconfig = await cluster.kubeconfig();
      const kubectl = async (...args: string[]) => {
        const { stdout, stderr } = await run(binary ?? '', ['--kubeconfig', kubeconfig, ...args]);
        assert.equal(stderr, '');
        return stdout;
      };
      assert.match(
        await kubectl('version', '-o', 'json'),
        new RegExp(`"v${release}\\.0\\+kernetes`),
      );
      await kubectl('create', 'deployment', 'web', '--image=nginx');
      await kubectl('create', 'cronjob', 'c', '--image=nginx', '--schedule=* * * * *');
      assert.match(await kubectl('get', 'deployments,cronjobs'), /cronjob\.batch\/c /);
      assert.match(await kubectl('explain', 'cronjob.spec.schedule'), /VERSION: +v1/);
    });
  }
});

function find(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      const path = join(dirname(realpathSync(join(folder, 'kubectl'))), name);
      accessSync(path);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return undefined;
}
