import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from 'kernetes/sdk';
import { brief, CONTEXT, kind, META, made, template } from './kind-fixtures.ts';

describe('namespaces', () => {
  const { strategy, subresources = [] } = kind('namespaces');

  test('are held, once deleted, until nothing is left in spec.finalizers', () => {
    const namespace = made('namespaces', {}) as KubeObject & { spec?: object; status?: object };
    strategy.prepareCreate?.(namespace, CONTEXT);
    assert.equal(strategy.heldBy?.(namespace), true);
    namespace.metadata.deletionTimestamp = META.creationTimestamp;
    strategy.prepareDelete?.(namespace, CONTEXT);
    assert.deepEqual(namespace.status, { phase: 'Terminating' });
    const finalize = subresources.find(({ name }) => name === 'finalize');
    finalize?.apply?.(namespace, { metadata: {} }, CONTEXT);
    assert.equal(strategy.heldBy?.(namespace), false);
    assert.deepEqual(namespace.spec, {});
  });

  test('keep their finalizers through any other update', () => {
    const old = made('namespaces', { spec: { finalizers: ['kubernetes'] } });
    const update = made('namespaces', { spec: {} }) as KubeObject & { spec?: object };
    strategy.prepareUpdate?.(update, old, CONTEXT);
    assert.deepEqual(update.spec, { finalizers: ['kubernetes'] });
  });

  test('are Active exactly until they are deleted', () => {
    const active = made('namespaces', { status: { phase: 'Active' } });
    assert.deepEqual(strategy.validateStatusUpdate?.(active, active), []);
    const leaving = { ...active, metadata: { ...META, deletionTimestamp: META.creationTimestamp } };
    assert.deepEqual(brief(strategy.validateStatusUpdate?.(leaving, active)), [
      'Invalid status.Phase',
    ]);
  });

  test('have a name that is one label', () => {
    assert.equal(strategy.validateName?.('a', false), undefined);
    assert.equal(strategy.validateName?.('a-', true), undefined);
    assert.match(strategy.validateName?.('a.b', false) ?? '', /must not contain dots/);
  });
});

test('defaults of a limit range take limits from maxima, and requests from limits or minima', () => {
  const item = { type: 'Container', max: { cpu: '2' }, min: { cpu: '1', memory: '1Mi' } };
  const range = made('limitranges', { spec: { limits: [item] } }) as KubeObject & {
    spec: { limits: object[] };
  };
  assert.deepEqual(range.spec.limits[0], {
    ...item,
    default: { cpu: '2' },
    defaultRequest: { cpu: '2', memory: '1Mi' },
  });
});

test('a pod template has a new generation when what it holds changes', () => {
  const { strategy } = kind('podtemplates');
  const old = made('podtemplates', { metadata: { ...META, generation: 1 }, template });
  const same = structuredClone(old);
  strategy.prepareUpdate?.(same, old, CONTEXT);
  assert.equal(same.metadata.generation, 1);
  const changed = made('podtemplates', { metadata: { ...META, generation: 1 }, template: {} });
  strategy.prepareUpdate?.(changed, old, CONTEXT);
  assert.equal(changed.metadata.generation, 2);
});

test("a persistent volume's phase changes at a moment that its status says", () => {
  const { strategy } = kind('persistentvolumes');
  const old = made('persistentvolumes', { status: { phase: 'Pending' } });
  const now = made('persistentvolumes', { status: { phase: 'Bound' } }) as KubeObject & {
    status: object;
  };
  strategy.prepareStatusUpdate?.(now, old, CONTEXT);
  assert.deepEqual(now.status, { phase: 'Bound', lastPhaseTransitionTime: '2026-01-01T00:05:00Z' });
});
