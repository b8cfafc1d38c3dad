import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { ServiceAccount } from 'kernetes/sdk';

/** The distribution installs the client for its own Python, which need not be the first one. */
const PYTHON = ['python3', '/usr/bin/python3'].find(
  program => spawnSync(program, ['-c', 'import kubernetes']).status === 0,
);
const SCRIPT = join(import.meta.dirname, 'python/kubernetes_client.py');
const skip = PYTHON === undefined && 'there is no python3-kubernetes here';

describe('the Python client', { timeout: 60_000, skip }, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await createCluster({ nodes: 1 });
    const account = { kind: ServiceAccount, namespace: 'default', name: 'default' };
    await cluster.until(account, () => true);
  });
  after(() => cluster?.close());

  for (const suite of ['Objects', 'Workloads', 'Custom', 'Access']) {
    it(`passes the tests of ${suite}`, async () => {
      const env = { ...process.env, KUBECONFIG: await cluster.kubeconfig() };
      // Without files beside the script, and without what old code is warned of.
      const args = ['-B', '-W', 'ignore', SCRIPT, suite];
      const child = spawn(PYTHON ?? assert.fail(), args, {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [told, said, [code]] = await Promise.all([
        text(child.stderr),
        text(child.stdout),
        once(child, 'close'),
      ]);
      assert.equal(code, 0, told + said);
    });
  }
});
