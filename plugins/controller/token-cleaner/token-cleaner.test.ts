import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Secret } from 'kernetes/sdk';
import { activate, fakeClock, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function token(
  name: string,
  expiration: string | undefined,
  type = 'bootstrap.kubernetes.io/token',
) {
  const data = expiration === undefined ? {} : { expiration: btoa(expiration) };
  return { metadata: { name, namespace: 'kube-system' }, type, data };
}

it('controller.token-cleaner deletes a token when its time has come, and nothing else', async () => {
  const clock = fakeClock();
  const kernel = new TestKernel({ clock });
  const at = (ms: number) => new Date(clock.now() + ms).toISOString();
  kernel.add(
    Secret,
    token('over', at(-1_000)),
    token('soon', at(5_000)),
    token('late', at(3 * 24 * 3_600_000)),
    token('wrong', 'tomorrow'),
    token('endless', undefined),
    token('other', at(-1_000), 'Opaque'),
  );
  const elsewhere = token('away', at(-1_000));
  kernel.add(Secret, { ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'default' } });
  await activate(plugin, { kernel, clock });
  const names = () =>
    kernel
      .all(Secret)
      .map(({ metadata }) => metadata.name)
      .sort();
  assert.deepEqual(names(), ['away', 'endless', 'late', 'other', 'soon']);
  await clock.step(5_000);
  assert.deepEqual(names(), ['away', 'endless', 'late', 'other']);
  for (let day = 0; day < 3; day++) await clock.step(24 * 3_600_000);
  assert.deepEqual(names(), ['away', 'endless', 'other']);
});
