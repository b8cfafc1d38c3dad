import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  type Component,
  type ComponentStatus,
  type VirtualKind,
  type VirtualRequest,
} from 'kernetes/sdk';
import { fakeClock, fixedContributions, TestKernel } from 'kernetes/sdk/testing';
import { componentStatuses } from './component-status.ts';

const ASKED: VirtualRequest = { user: { name: 'x', groups: [] }, namespace: '', options: {} };

function setUp(components: Readonly<Record<string, Component>>) {
  const clock = fakeClock();
  const { objects } = new TestKernel();
  const kind = componentStatuses({
    clock,
    objects,
    components: fixedContributions(components),
  });
  const virtual = kind.virtual as unknown as Required<VirtualKind<ComponentStatus>>;
  return { clock, virtual, version: kind.versions[0] };
}

function told({ metadata, conditions }: ComponentStatus): string {
  const [condition] = conditions ?? [];
  return `${metadata.name} ${condition?.status} ${condition?.message || condition?.error}`;
}

describe('componentStatuses()', () => {
  it('rows show what a component said', () => {
    const { version } = setUp({});
    const healthy = { type: 'Healthy', status: 'True', message: 'ok' };
    const status: ComponentStatus = { metadata: { name: 'x' }, conditions: [healthy] };
    const row = version?.row?.(status, 0);
    assert.deepEqual(row, ['x', 'Healthy', 'ok', '']);
    assert.equal(row?.length, version?.columns?.length);
  });

  it('asks each component', async () => {
    const { virtual } = setUp({
      scheduler: { check: () => 'ok' },
      'controller-manager': { check: () => Promise.reject(new Error('its thread is gone')) },
    });
    assert.deepEqual((await virtual.list(ASKED)).map(told), [
      'scheduler True ok',
      'controller-manager False its thread is gone',
      'etcd-0 True ok',
    ]);
  });

  it('tells of one that nobody contributes, or that does not answer in time', async () => {
    const { virtual, clock } = setUp({ scheduler: { check: () => new Promise(() => undefined) } });
    const asked = virtual.get('scheduler', ASKED) as Promise<ComponentStatus>;
    await clock.step(5_000);
    assert.equal(told(await asked), 'scheduler False context deadline exceeded');
    assert.equal(
      told(await virtual.get('controller-manager', ASKED)),
      'controller-manager False no plugin contributes the component',
    );
  });

  it('has no others', async () => {
    const { virtual } = setUp({});
    await assert.rejects(
      async () => virtual.get('etcd-7', ASKED),
      error => ApiError.is(error, 'NotFound'),
    );
  });
});
