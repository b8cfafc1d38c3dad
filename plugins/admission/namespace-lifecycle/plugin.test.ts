import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, Namespace } from 'kernetes/sdk';
import { admissionRequest, namespace, pod, runAdmission } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const WHY =
  'pods "p" is forbidden: unable to create new content in namespace team because it is being terminated';

async function setUp() {
  const running = await runAdmission(plugin);
  running.kernel.add(Namespace, {
    ...namespace('team'),
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  await running.clock.step(0);
  const create = (where: string, given = {}) =>
    admissionRequest(pod('p', { metadata: { namespace: where } }), given);
  const remove = (name: string) => {
    const about = { resource: 'namespaces', kind: 'Namespace', name, oldObject: namespace(name) };
    return admissionRequest(undefined, about);
  };
  return { ...running, create, remove };
}

describe('admission.namespace-lifecycle', () => {
  it('lets objects be made in a namespace, also in one that is just there', async () => {
    const { kernel, admit, create } = await setUp();
    await admit(create('team'));
    kernel.silently(() => kernel.add(Namespace, namespace('new')));
    await admit(create('new'));
  });

  it('refuses what is made where no namespace is', async () => {
    const { admit, create } = await setUp();
    await assert.rejects(admit(create('none')), /namespaces "none" not found/);
  });

  it('refuses what is made in a namespace that is going, with the cause', async () => {
    const { kernel, clock, admit, create } = await setUp();
    await kernel.objects.delete(Namespace, { name: 'team' });
    await clock.step(0);
    for (const given of [{}, { subresource: 'binding' }]) {
      await assert.rejects(admit(create('team', given)), (error: unknown) => {
        assert.ok(ApiError.is(error, 'Forbidden'));
        assert.equal(error.message, WHY);
        assert.deepEqual(error.status.details?.causes, [
          {
            reason: 'NamespaceTerminating',
            message: 'namespace team is being terminated',
            field: 'metadata.namespace',
          },
        ]);
        return true;
      });
    }
  });

  it('knows of a deletion before its informer does', async () => {
    const { kernel, admit, refusal, create, remove } = await setUp();
    await admit(remove('team'));
    const release = kernel.holdWatches();
    await kernel.objects.delete(Namespace, { name: 'team' });
    assert.equal(await refusal(create('team')), WHY);
    release();
  });

  for (const name of ['default', 'kube-system', 'kube-public']) {
    it(`refuses the deletion of ${name}`, async () => {
      const { refusal, remove } = await setUp();
      assert.equal(
        await refusal(remove(name)),
        `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      );
    });
  }
});
