import type { ASTNode } from '@marcbachmann/cel-js';
import type { CelCompileError } from './cel.ts';
import type { Run } from './meter.ts';
import { type Functions, resolve } from './overload.ts';
import type { Source } from './source.ts';
import type { Type } from './type.ts';

export interface Compiled {
  readonly type: Type;
  readonly run: Run;
  /** Of a literal. */
  readonly literal?: unknown;
}

/** A name that can be seen: of a slot, which the program fills or a comprehension. */
export interface Scope {
  readonly name: string;
  readonly type: Type;
  readonly slot: number;
  readonly parent: Scope | undefined;
}

export interface Compilation {
  readonly source: Source;
  readonly functions: Functions;
  /** Names of variables that were used. */
  readonly used: Set<string>;
  /** The number of the program's own variables. */
  readonly variables: number;
  /** The compiler, for operands. */
  readonly compile: (node: ASTNode, scope: Scope | undefined) => Compiled;
  /** Checks a pattern that stands in the expression. */
  readonly pattern: (text: string) => void;
}

export function lookUp(name: string, scope: Scope | undefined): Scope | undefined {
  let seen = scope;
  while (seen && seen.name !== name) seen = seen.parent;
  return seen;
}

export function compileSlot({ name, slot, type }: Scope, at: Compilation): Compiled {
  if (slot >= at.variables) {
    return {
      type,
      run: frame => {
        frame.meter.spend(1);
        return frame.slots[slot];
      },
    };
  }
  at.used.add(name);
  return {
    type,
    run: frame => {
      frame.meter.spend(1);
      return frame.slots[slot] ?? frame.load(slot);
    },
  };
}

export function innerScope(
  name: string,
  { type }: Pick<Compiled, 'type'>,
  { scope, at }: { scope: Scope | undefined; at: Compilation },
): Scope {
  const slot = Math.max(at.variables, (scope?.slot ?? -1) + 1);
  return { name, type, slot, parent: scope };
}

/** Found no matching overload, at a position. */
export function noOverload(
  name: string,
  { source }: Compilation,
  [position, ...operands]: readonly [number, ...Compiled[]],
): CelCompileError {
  const types = operands.map(({ type }) => type.name).join(', ');
  return source.error(position, `found no matching overload for '${name}' applied to '(${types})'`);
}

export interface Place {
  readonly node: ASTNode;
  readonly scope: Scope | undefined;
  readonly at: Compilation;
  readonly position?: number;
}

/** A call of a function that there is. */
export function compileFunction(
  name: string,
  nodes: readonly ASTNode[],
  { node, scope, at, position = node.start }: Place,
): Compiled {
  const args = nodes.map(each => at.compile(each, scope));
  const resolved = resolve(
    at.functions.get(name) ?? [],
    args.map(({ type }) => type),
  );
  if (!resolved) throw noOverload(name.replace(/^\./, ''), at, [position, ...args]);
  const pattern = /^\.(matches|find|findAll)$|^matches$/.test(name) ? args[1]?.literal : undefined;
  if (typeof pattern === 'string') at.pattern(pattern);
  const runs = args.map(({ run }) => run);
  const { call, type } = resolved;
  return {
    type,
    run: frame =>
      call(
        frame,
        runs.map(run => run(frame)),
      ),
  };
}

/** Of making a list or a map, upstream's. */
export const LIST_COST = 10;
export const MAP_COST = 30;
