import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notFound, type ObjectClient, type ObjectRequest, podInfoOf } from 'kernetes/sdk';
import { pod, testSchedulerPlugin } from 'kernetes/sdk/testing';
import { bindAll } from './binding.ts';
import plugin from './plugin.ts';

testSchedulerPlugin(plugin);

test('bind() writes all bindings in one batch and answers each', async () => {
  const batches: (readonly ObjectRequest[])[] = [];
  const objects = {
    batch: async (requests: readonly ObjectRequest[]) => {
      batches.push(requests);
      const error = notFound({ group: '', resource: 'pods' }, 'gone');
      return requests.map(({ name }) =>
        name === 'gone' ? { ok: false, error } : { ok: true, object: {} },
      );
    },
  } as unknown as ObjectClient;
  const pods = ['a', 'gone'].map(name =>
    podInfoOf(pod(name, { metadata: { uid: `uid-${name}` } })),
  );
  const verdicts = await bindAll(
    objects,
    pods.map(one => ({ pod: one, nodeName: 'n1' })),
  );

  assert.equal(batches.length, 1);
  assert.deepEqual(batches[0]?.[0], {
    verb: 'create',
    group: '',
    version: 'v1',
    resource: 'pods',
    subresource: 'binding',
    namespace: 'default',
    name: 'a',
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace: 'default', name: 'a', uid: 'uid-a' },
      target: { apiVersion: 'v1', kind: 'Node', name: 'n1' },
    },
  });
  assert.equal(verdicts[0], undefined);
  assert.deepEqual(verdicts[1], {
    code: 'unschedulable',
    reasons: ['binding rejected: pods "gone" not found'],
  });
});
