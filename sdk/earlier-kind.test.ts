import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asInRelease,
  inTables,
  rewritten,
  withoutColumns,
  withoutSubresources,
} from './earlier-kind.ts';
import type { KubeObject } from './kind.ts';
import { defineKind, type StrategyContext } from './kind-definition.ts';
import { builtInSchema } from './schema.ts';
import { withTemplateTimes } from './template-times.ts';

interface Widget extends KubeObject {
  spec?: { size?: number; color?: string; template?: { metadata?: object } };
}

const column = (name: string) => ({ name, type: 'string', priority: 0 });

const widgets = defineKind<Widget>({
  group: 'example.com',
  kind: 'Widget',
  resource: 'widgets',
  singular: 'widget',
  namespaced: true,
  storage: { prefix: 'registry/widgets', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('', 'v1', 'ConfigMap'),
      columns: [column('Name'), column('Size'), column('Color')],
      row: ({ metadata, spec }) => [metadata.name ?? '', spec?.size ?? 0, spec?.color ?? ''],
    },
  ],
  subresources: [{ name: 'scale', verbs: ['get'] }],
  strategy: {
    prepareCreate: ({ spec }) => {
      if (spec) spec.color = 'red';
    },
    prepareUpdate: ({ metadata, spec }, old) => {
      metadata.generation = spec?.color === old.spec?.color ? 1 : 2;
    },
  },
  earlier: [
    rewritten<Widget>(25, ({ spec }) => {
      delete spec?.color;
    }),
    withoutColumns(25, 'Color'),
    inTables(22, ([name, size]) => [size, name].flatMap(each => each ?? [])),
    withoutSubresources(22, 'scale'),
    withTemplateTimes<Widget>(({ spec }) => [spec?.template]),
  ],
});

const context = {} as StrategyContext;
const widget = (spec: object): KubeObject => ({ metadata: { name: 'w' }, spec }) as KubeObject;

for (const [release, columns, subresources] of [
  [0, ['Name', 'Size', 'Color'], ['scale']],
  [36, ['Name', 'Size', 'Color'], ['scale']],
  [25, ['Name', 'Size'], ['scale']],
  [22, ['Size', 'Name'], []],
] as const) {
  test(`asInRelease() gives 1.${release} its columns and subresources`, () => {
    const kind = asInRelease(widgets, release);
    const [version] = kind.versions;
    assert.deepEqual(
      version?.columns?.map(({ name }) => name),
      columns,
    );
    const cells = { Name: 'w', Size: 3, Color: 'red' };
    const row = version?.row?.(widget({ size: 3, color: 'red' }), 0);
    assert.deepEqual(
      row,
      columns.map(name => cells[name]),
    );
    assert.deepEqual(
      kind.subresources?.map(({ name }) => name),
      subresources,
    );
  });
}

test('rewritten() has the last word, and compares nothing that it drops', () => {
  const { strategy } = asInRelease(widgets, 25);
  const created = widget({ size: 1 }) as Widget;
  strategy.prepareCreate?.(created, context);
  assert.deepEqual(created.spec, { size: 1 });
  const updated = widget({ size: 1, color: 'blue' }) as Widget;
  strategy.prepareUpdate?.(updated, created, context);
  assert.deepEqual([updated.spec, updated.metadata.generation], [{ size: 1 }, 1]);
  const status = widget({ color: 'blue' }) as Widget;
  strategy.prepareStatusUpdate?.(status, created, context);
  assert.deepEqual(status.spec, {});
});

test('withTemplateTimes() writes a null time, and leaves what is absent absent', () => {
  const { strategy } = asInRelease(widgets, 33);
  for (const [template, wanted] of [
    [{}, { metadata: { creationTimestamp: null } }],
    [{ metadata: { labels: {} } }, { metadata: { creationTimestamp: null, labels: {} } }],
    [undefined, undefined],
  ]) {
    const created = widget({ ...(template && { template }) }) as Widget;
    strategy.prepareCreate?.(created, context);
    assert.deepEqual(created.spec?.template, wanted);
  }
});
