import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Deployment, keyOf, ReplicaSet } from 'kernetes/sdk';
import { deployment } from 'kernetes/sdk/testing';
import { SDK_VERSION } from '../../kernel/loader/loader.ts';
import { planPlugins } from '../../kernel/loader/plan.ts';
import { checkoutBuiltins, findSource } from '../../kernel/loader/sources.ts';

import { eventually } from './eventually.ts';
import { without } from './profiles.ts';
import { startCluster } from './start-cluster.ts';

const BUILTINS = checkoutBuiltins(join(import.meta.dirname, '../../plugins'));
const CONTROLLERS = BUILTINS.names().filter(name => name.startsWith('controller.'));

/** The names of the plugins that would run; throws where one is needed that is not there. */
function planned(leftOut: string): string[] {
  const entries = without(leftOut).plugins.map(entry => ({
    entry,
    source: findSource(entry, BUILTINS, assert.fail),
  }));
  const options = { sdkVersion: SDK_VERSION, defaultPlacement: () => 'inline' as const };
  return planPlugins(entries, options).map(({ name }) => name);
}

describe('the default profile', () => {
  assert.ok(CONTROLLERS.length > 30);
  for (const name of CONTROLLERS) {
    it(`does without ${name}`, () => assert.ok(!planned(name).includes(name)));
  }
});

describe('a cluster whose Deployments are somebody else’s', { timeout: 120_000 }, async () => {
  const { cluster } = await startCluster({
    nodes: 1,
    placement: 'default',
    profile: without('controller.deployment'),
    plugins: [
      {
        path: join(import.meta.dirname, 'testdata/own-deployments.ts'),
        placement: 'worker',
        grants: {
          objects: [
            { groups: ['apps'], resources: ['deployments'], verbs: ['list', 'watch'] },
            { groups: ['apps'], resources: ['deployments/status'], verbs: ['update'] },
            {
              groups: ['apps'],
              resources: ['replicasets'],
              verbs: ['list', 'watch', 'create', 'update'],
            },
          ],
        },
      },
    ],
  });
  after(() => cluster.close());
  const { objects } = cluster;
  const key = { namespace: 'default', name: 'web' };
  const becomesReady = (replicas: number) =>
    eventually(async () => {
      const { status } = await objects.get(Deployment, key);
      return status?.readyReplicas === replicas ? status : undefined;
    });

  it('has pods by the plugin that took the place, and none by ours', async () => {
    await objects.create(Deployment, deployment('web', { replicas: 2 }));
    await becomesReady(2);
    const { items } = await objects.list(ReplicaSet);
    assert.deepEqual(
      items.map(set => [keyOf(set), set.metadata.annotations]),
      [['default/web', { 'example.com/made-by': 'own-deployments' }]],
    );
  });

  it('scales, and deletes with the owner, as with ours', async () => {
    await objects.patch(Deployment, key, { spec: { replicas: 3 } });
    await becomesReady(3);
    await objects.delete(Deployment, key);
    await eventually(async () => {
      const { items } = await objects.list(ReplicaSet);
      return items.length === 0 ? true : undefined;
    });
  });
});
