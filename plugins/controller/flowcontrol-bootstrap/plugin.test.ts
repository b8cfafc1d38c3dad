import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlowSchema, PriorityLevelConfiguration } from 'kernetes/sdk';
import { writes } from './plugin.ts';
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
