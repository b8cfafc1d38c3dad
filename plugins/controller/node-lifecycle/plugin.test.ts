import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conflict, Node } from 'kernetes/sdk';
import { activate, node, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const taints = [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }];

async function setUp() {
  const kernel = new TestKernel();
  kernel.add(Node, node('n1', { spec: { taints } }), node('n2'));
  const { clock } = await activate(plugin, { kernel });
  const keysOf = (name: string) => kernel.get(Node, name)?.spec?.taints?.map(({ key }) => key);
  return { kernel, clock, keysOf };
}

describe('controller.node-lifecycle', () => {
  it('lets pods come to a node that is ready, with one request', async () => {
    const { kernel, keysOf } = await setUp();
    assert.equal(keysOf('n1'), undefined);
    const writes = kernel.requests.filter(({ verb }) => verb !== 'list');
    assert.deepEqual(
      writes.map(({ verb, name }) => `${verb} ${name}`),
      ['patch n1'],
    );
  });

  it('follows the conditions of a node', async () => {
    const { kernel, clock, keysOf } = await setUp();
    for (const [status, wanted] of [
      ['Unknown', ['node.kubernetes.io/unreachable']],
      ['True', undefined],
    ] as const) {
      kernel.modify(Node, 'n2', ({ status: of }) => {
        if (of) of.conditions = [{ type: 'Ready', status }];
      });
      await clock.step(0);
      assert.deepEqual(keysOf('n2'), wanted);
    }
  });

  it('does it again when somebody else was quicker', async () => {
    const { kernel, clock, keysOf } = await setUp();
    const about = { group: '', resource: 'nodes' };
    kernel.fault = ({ verb }) => (verb === 'patch' ? conflict(about, 'n2') : undefined);
    kernel.modify(Node, 'n2', ({ spec }) => {
      if (spec) spec.unschedulable = true;
    });
    await clock.step(0);
    assert.equal(keysOf('n2'), undefined);
    kernel.fault = () => undefined;
    await clock.step(1_000);
    assert.deepEqual(keysOf('n2'), ['node.kubernetes.io/unschedulable']);
  });
});
