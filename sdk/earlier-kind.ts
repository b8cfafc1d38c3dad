import type { KubeObject } from './kind.ts';
import type {
  EarlierKind,
  KindDefinition,
  KindStrategy,
  KindVersion,
  TableColumn,
} from './kind-definition.ts';
import { kindPoint } from './kind-definition.ts';
import type { PluginContext } from './plugin.ts';

/** What plugins of kinds are configured with. */
export interface ReleaseConfig {
  /** The minor release of Kubernetes whose objects the kinds make; 0: the newest we know. */
  readonly release: number;
}

export const RELEASE_CONFIG = {
  type: 'object',
  additionalProperties: false,
  properties: { release: { type: 'integer', minimum: 0, default: 0 } },
} as const;

/** What any kind may have been like. */
export interface EarlierForm {
  readonly until: number;
  as<T extends KubeObject>(kind: KindDefinition<T>): KindDefinition<T>;
}

/** Contributes kinds as they are in the release that the plugin is configured with. */
export function provideKinds(
  ctx: Pick<PluginContext<ReleaseConfig>, 'config' | 'provide'>,
  kinds: readonly KindDefinition[],
): void {
  for (const kind of kinds) {
    ctx.provide(kindPoint, asInRelease(kind, ctx.config.release), kind.resource);
  }
}

/** A kind as it was in a release: its `earlier` forms that last so long, one upon the other. */
export function asInRelease(kind: KindDefinition, release: number): KindDefinition {
  if (release === 0) return kind;
  return (kind.earlier ?? [])
    .filter(({ until }) => release <= until)
    .reduce((newer, { as }) => as(newer), kind);
}

/**
 * Up to a release, objects are written in another way: `rewrite` changes each in place, before it
 * is compared with the old one and once it is prepared. It must be idempotent.
 */
export function rewritten<T extends KubeObject>(
  until: number,
  rewrite: (object: T) => void,
): EarlierKind<T> {
  const as = (kind: KindDefinition<T>) => ({
    ...kind,
    strategy: rewriting(kind.strategy, rewrite),
  });
  return { until, as };
}

/** Up to a release, tables have not got these columns. */
export function withoutColumns(until: number, ...names: readonly string[]): EarlierForm {
  const isKept = ({ name }: TableColumn) => !names.includes(name);
  return inTables(until, columns => columns.filter(isKept));
}

/** Up to a release, the columns are those that `change` makes of them; cells go with their names. */
export function inTables(
  until: number,
  change: (columns: readonly TableColumn[]) => readonly TableColumn[],
): EarlierForm {
  const as = <T extends KubeObject>(kind: KindDefinition<T>) => {
    return { ...kind, versions: kind.versions.map(version => withColumns(version, change)) };
  };
  return { until, as };
}

/** Up to a release, these subresources are not there. */
export function withoutSubresources(until: number, ...names: readonly string[]): EarlierForm {
  const as = <T extends KubeObject>(kind: KindDefinition<T>) => {
    const subresources = kind.subresources?.filter(({ name }) => !names.includes(name)) ?? [];
    return { ...kind, subresources };
  };
  return { until, as };
}

function rewriting<T extends KubeObject>(
  strategy: KindStrategy<T>,
  rewrite: (object: T) => void,
): KindStrategy<T> {
  return {
    ...strategy,
    prepareCreate(object, context) {
      strategy.prepareCreate?.(object, context);
      rewrite(object);
    },
    prepareUpdate(object, old, context) {
      rewrite(object);
      strategy.prepareUpdate?.(object, old, context);
      rewrite(object);
    },
    prepareStatusUpdate(object, old, context) {
      strategy.prepareStatusUpdate?.(object, old, context);
      rewrite(object);
    },
  };
}

function withColumns<T extends KubeObject>(
  version: KindVersion<T>,
  change: (columns: readonly TableColumn[]) => readonly TableColumn[],
): KindVersion<T> {
  const { columns: newer = [], row } = version;
  if (row === undefined) return version;
  const columns = change(newer);
  const indexes = columns.map(({ name }) => newer.findIndex(each => each.name === name));
  return {
    ...version,
    columns,
    row: (object, now) => {
      const cells = row(object, now);
      return indexes.map(index => cells[index] ?? null);
    },
  };
}
