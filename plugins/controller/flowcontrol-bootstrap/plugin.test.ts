import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowSchema, PriorityLevelConfiguration } from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin, { writes } from './plugin.ts';
import { AUTO_UPDATE, wantedFlows, wantedLevels } from './wanted.ts';

describe('the default flow control', () => {
  it('leads every flow to a level that there is', () => {
    const levels = new Set(wantedLevels().map(({ metadata }) => metadata.name));
    const to = wantedFlows().map(({ spec }) => spec?.priorityLevelConfiguration.name);
    assert.deepEqual(
      to.filter(name => !levels.has(name)),
      [],
    );
  });

  it('has upstream’s mandatory ones first and last', () => {
    const order = wantedFlows()
      .map(({ metadata, spec }) => ({ name: metadata.name, at: spec?.matchingPrecedence ?? 0 }))
      .sort((a, b) => a.at - b.at);
    assert.deepEqual(order[0], { name: 'exempt', at: 1 });
    assert.deepEqual(order.at(-1), { name: 'catch-all', at: 10_000 });
  });
});

describe('writes()', () => {
  const [first, ...rest] = wantedLevels();
  assert.ok(first);

  it('makes what is missing', () => {
    const [request, ...more] = writes(PriorityLevelConfiguration, [first], []);
    assert.deepEqual(more, []);
    assert.deepEqual([request?.verb, request?.resource], ['create', 'prioritylevelconfigurations']);
  });

  it('leaves what is right', () => {
    assert.deepEqual(writes(FlowSchema, wantedFlows(), wantedFlows()), []);
    assert.deepEqual(writes(PriorityLevelConfiguration, rest, rest), []);
  });

  it('puts right what differs, unless somebody wants it so', () => {
    const changed = { ...first, spec: { type: 'Limited' } };
    const [request] = writes(PriorityLevelConfiguration, [first], [changed]);
    assert.deepEqual([request?.verb, request?.name], ['update', 'exempt']);
    const annotations = { [AUTO_UPDATE]: 'false' };
    const own = { ...changed, metadata: { name: 'exempt', annotations } };
    assert.deepEqual(writes(PriorityLevelConfiguration, [first], [own]), []);
  });
});

describe('controller.flowcontrol-bootstrap', () => {
  it('makes again what is deleted, puts right what is changed, and no more than once a minute', async () => {
    const kernel = new TestKernel();
    const { clock } = await activate(plugin, { kernel });
    const { objects } = kernel;
    const shares = () => kernel.get(PriorityLevelConfiguration, 'system')?.spec?.limited;
    const wanted = shares();
    const disturb = async () => {
      await objects.delete(FlowSchema, { name: 'catch-all' });
      kernel.modify(PriorityLevelConfiguration, 'system', ({ spec }) => {
        if (spec) spec.limited = { nominalConcurrencyShares: 1 };
      });
    };
    await disturb();
    await clock.step(60_000);
    assert.ok(kernel.get(FlowSchema, 'catch-all'));
    assert.deepEqual(shares(), wanted);
    await disturb();
    await clock.step(30_000);
    assert.equal(kernel.get(FlowSchema, 'catch-all'), undefined);
    await clock.step(60_000);
    assert.ok(kernel.get(FlowSchema, 'catch-all'));
    kernel.requests.length = 0;
    await clock.step(600_000);
    assert.deepEqual(
      kernel.requests.filter(({ verb }) => verb !== 'list'),
      [],
    );
  });
});
