import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestHost, testdata } from './pool-testing.ts';

for (const placement of ['worker', 'process'] as const) {
  test(`what the language brings is frozen, and heirs may differ (${placement})`, async t => {
    const { host, link } = await startTestHost({
      files: { 'test.intrinsics': testdata('intrinsics.ts') },
      placement,
    });
    t.after(() => host.stop());
    await host.activate('test.intrinsics', {});
    await host.deactivate('test.intrinsics');

    const said = new Map(link.logs.map(({ message, fields }) => [message, fields]));
    assert.deepEqual(said.get('not frozen'), { names: [] });
    assert.deepEqual(said.get('written'), { names: [] });
    assert.deepEqual(said.get('heirs'), { text: 'as it is', name: 'Own', was: 'Error' });
  });
}
