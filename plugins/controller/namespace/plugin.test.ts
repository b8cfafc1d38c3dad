import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  ALL_VERBS,
  ApiError,
  ConfigMap,
  Namespace,
  Pod,
  Secret,
  servedKindPoint,
} from 'kernetes/sdk';
import { activate, namespace, pod, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

/** A kernel that serves three kinds, one of them without deletecollection. */
function kernelWithKinds(): TestKernel {
  const kernel = new TestKernel();
  const link = kernel.link('kinds');
  const single = ALL_VERBS.filter(verb => verb !== 'deletecollection');
  link.provide(servedKindPoint, 'cm', { ...ConfigMap, verbs: ALL_VERBS, expires: false });
  link.provide(servedKindPoint, 'secret', { ...Secret, verbs: single, expires: false });
  link.provide(servedKindPoint, 'pod', { ...Pod, verbs: ALL_VERBS, expires: false });
  return kernel;
}

async function going(kernel: TestKernel, name: string): Promise<void> {
  const object = namespace(name, { finalizers: ['test/kept'] });
  await kernel.objects.create(Namespace, { ...object, spec: { finalizers: ['kubernetes'] } });
  await kernel.objects.delete(Namespace, { name });
}

const finalizersOf = async (kernel: TestKernel, name: string) =>
  (await kernel.objects.get(Namespace, { name })).spec?.finalizers;

it('empties a namespace of all kinds and lets go of it; leaves others alone', async () => {
  const kernel = kernelWithKinds();
  for (const at of ['going', 'staying']) {
    await kernel.objects.create(ConfigMap, { metadata: { name: 'c', namespace: at } });
    await kernel.objects.create(Secret, { metadata: { name: 's', namespace: at } });
  }
  await kernel.objects.create(Namespace, namespace('staying'));
  await going(kernel, 'going');
  const { clock, dispose } = await activate(plugin, { kernel });
  await clock.step(0);
  assert.deepEqual(await finalizersOf(kernel, 'going'), []);
  const left = [
    ...(await kernel.objects.list(ConfigMap)).items,
    ...(await kernel.objects.list(Secret)).items,
  ];
  assert.deepEqual(
    left.map(({ metadata }) => metadata.namespace),
    ['staying', 'staying'],
  );
  await dispose();
});

it('waits for what takes its time, and says for what', async () => {
  const kernel = kernelWithKinds();
  const held = pod('p', { metadata: { namespace: 'going', finalizers: ['test/hold'] } });
  await kernel.objects.create(Pod, held);
  await going(kernel, 'going');
  const { clock, dispose } = await activate(plugin, { kernel });
  await clock.step(0);
  const waiting = await kernel.objects.get(Namespace, { name: 'going' });
  assert.deepEqual(waiting.spec?.finalizers, ['kubernetes']);
  const told = waiting.status?.conditions?.map(({ message }) => message).join() ?? '';
  assert.match(told, /pods\. has 1 resource instances/);
  await kernel.objects.patch(
    Pod,
    { namespace: 'going', name: 'p' },
    { metadata: { finalizers: null } },
  );
  await clock.step(1_000);
  assert.deepEqual(await finalizersOf(kernel, 'going'), []);
  await dispose();
});

it('tries again after a failure', async () => {
  const kernel = kernelWithKinds();
  await kernel.objects.create(ConfigMap, { metadata: { name: 'c', namespace: 'going' } });
  await going(kernel, 'going');
  let failures = 2;
  kernel.fault = ({ verb }) =>
    verb === 'deletecollection' && failures-- > 0
      ? new ApiError({ message: 'busy', reason: 'ServerTimeout', code: 504 })
      : undefined;
  const { clock, dispose } = await activate(plugin, { kernel });
  await clock.step(60_000);
  assert.deepEqual(await finalizersOf(kernel, 'going'), []);
  await dispose();
});
