import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pod, testContext } from 'kernetes/sdk/testing';
import { parseLoad } from './load.ts';
import { UsageMeter } from './usage-meter.ts';

describe('UsageMeter shared()', () => {
  it('looks at the pods of those namespaces only that are asked for, once each', () => {
    const { clock, context } = testContext();
    const counted: string[] = [];
    const loads = ['a', 'b'].map(namespace => {
      const metadata = { name: 'load', namespace };
      const load = parseLoad({ metadata, data: { selector: 'app=web', cpu: '6' } });
      const ready = () => new Map(['x', 'y'].map(name => [name, pod(name)]));
      const sharers = {
        get ready() {
          counted.push(namespace);
          return ready();
        },
        close: () => undefined,
      };
      return { load, sharers };
    });
    const meter = new UsageMeter({ clock, events: context.events, loads: () => loads, seed: 1 });
    const shared = meter.shared(meter.window());
    assert.deepEqual(
      [shared('b'), shared('b'), shared('c')].map(found => found.map(({ cpu }) => cpu)),
      [[3], [3], []],
    );
    assert.deepEqual(counted, ['b']);
  });
});
