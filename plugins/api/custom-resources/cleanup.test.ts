import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomResourceDefinition, ObjectClient, ObjectRequest } from 'kernetes/sdk';
import { deleteObjects } from './cleanup.ts';

test('deleteObjects() deletes what the definition defines, whatever its status says', async () => {
  const asked: string[] = [];
  const objects = {
    async batch(requests: readonly ObjectRequest[]) {
      asked.push(...requests.map(({ verb, resource }) => `${verb} ${resource}`));
      const items = asked.length === 1 ? [{ metadata: { name: 'a' } }] : [];
      return requests.map(() => ({ ok: true as const, object: { metadata: {}, items } }));
    },
  } satisfies Pick<ObjectClient, 'batch'>;
  const definition: CustomResourceDefinition = {
    metadata: { name: 'foos.rbac.authorization.k8s.io' },
    spec: {
      group: 'rbac.authorization.k8s.io',
      scope: 'Cluster',
      names: { plural: 'foos', kind: 'Foo' },
      versions: [{ name: 'v1', served: true, storage: true }],
    },
    status: { acceptedNames: { plural: 'clusterroles', kind: 'ClusterRole' } },
  };
  const outcome = await deleteObjects(definition, { objects: objects as unknown as ObjectClient });
  assert.equal(outcome, 'gone');
  assert.deepEqual(asked, ['list foos', 'deletecollection foos', 'list foos']);
});
