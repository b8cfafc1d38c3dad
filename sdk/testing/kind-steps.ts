import type { KubeObject } from '../kind.ts';
import {
  inVersion,
  type KindDefinition,
  type KindVersion,
  type StrategyContext,
} from '../kind-definition.ts';
import type { FieldError } from '../status.ts';
import { fakeClock } from './fake-clock.ts';
import { seededRandom } from './seeded-random.ts';

/** An object as a kind prepared it, and what its validation found. */
export interface Prepared<T> {
  readonly object: T;
  readonly errors: FieldError[];
}

/**
 * Runs a kind's own steps of a create, in the door's order: defaults, preparation, validation.
 * `body` is cloned. What the door itself does (admission, metadata, storing) is left out but for
 * uid, generation and the drop of the status.
 */
export function createdAs<T extends KubeObject>(
  kind: KindDefinition,
  version: string,
  body: T,
): Prepared<T> {
  const object = structuredClone(body);
  const { strategy } = inVersion(kind, versionOf(kind, version));
  versionOf(kind, version).defaults?.(object);
  object.metadata.uid ??= '00000000-0000-4000-8000-000000000001';
  if (strategy.generation) object.metadata.generation = 1;
  if (strategy.status && !strategy.keepStatusOnCreate) {
    delete (object as { status?: unknown }).status;
  }
  strategy.prepareCreate?.(object, strategyContext(version));
  const errors = [
    ...(strategy.validate?.(object) ?? []),
    ...(strategy.validateCreate?.(object) ?? []),
  ];
  return { object, errors };
}

/** The same for an update of `old`, which the strategy must not change. */
export function updatedAs<T extends KubeObject>(
  kind: KindDefinition,
  version: string,
  { body, old }: { body: T; old: T },
): Prepared<T> {
  const object = structuredClone(body);
  versionOf(kind, version).defaults?.(object);
  const { strategy } = inVersion(kind, versionOf(kind, version));
  if (strategy.status) Object.assign(object, { status: structuredClone(old as WithStatus).status });
  strategy.prepareUpdate?.(object, old, strategyContext(version));
  const errors = [
    ...(strategy.validate?.(object) ?? []),
    ...(strategy.validateUpdate?.(object, old) ?? []),
  ];
  return { object, errors };
}

/** The version of a kind by name; throws when the kind has none. */
export function versionOf(kind: KindDefinition, name: string): KindVersion {
  const version = kind.versions.find(each => each.name === name);
  if (version === undefined) throw new Error(`Cannot find version "${name}" of ${kind.kind}`);
  return version;
}

/** A table row by column names. Throws when the kind's columns and cells are not as many. */
export function rowOf(
  kind: KindDefinition,
  version: string,
  { object, now }: { object: KubeObject; now: number },
): Record<string, unknown> {
  const { columns = [], row } = versionOf(kind, version);
  const cells = row?.(object, now) ?? [];
  if (cells.length !== columns.length) {
    throw new Error(`Row of ${kind.kind} has ${cells.length} cells, want ${columns.length}`);
  }
  return Object.fromEntries(columns.map(({ name }, i) => [name, cells[i]]));
}

function strategyContext(version: string): StrategyContext {
  const user = { name: 'test', groups: ['system:authenticated'] };
  return { clock: fakeClock(), random: seededRandom(1), user, version };
}

interface WithStatus {
  status?: unknown;
}
