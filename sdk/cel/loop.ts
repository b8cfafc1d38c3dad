import type { ASTNode } from '@marcbachmann/cel-js';
import { type Compilation, type Compiled, innerScope, type Scope } from './compilation.ts';
import { decoded, type Frame, type Meter, type Run } from './meter.ts';
import { DYN, scalar, type Type } from './type.ts';
import { fail, ListValue, MapValue } from './value.ts';

export interface MacroCall {
  readonly receiver: ASTNode;
  readonly args: readonly ASTNode[];
  readonly scope: Scope | undefined;
  readonly at: Compilation;
  readonly position: number;
}

/** A comprehension's range and variables. */
export interface Loop {
  readonly range: Run;
  readonly rangeType: Type;
  readonly elementType: Type;
  readonly bodies: readonly Compiled[];
  /** Sets the variables to the element at `index` of what `start` gave. */
  readonly start: (frame: Frame) => Cursor;
  readonly slots: readonly number[];
}

export interface Cursor {
  readonly size: number;
  readonly key: (index: number) => unknown;
  readonly value: (index: number) => unknown;
}

export function loopOf(call: MacroCall, variables: number): Loop {
  const { at } = call;
  const range = at.compile(call.receiver, call.scope);
  const types = variableTypes(range.type, variables);
  if (types === undefined) {
    const message = `expression of type '${range.type.name}' cannot be range of a comprehension (must be list, map, or dynamic)`;
    throw at.source.error(call.receiver.start, message);
  }
  let scope = call.scope;
  const slots: number[] = [];
  for (const [i, type] of types.entries()) {
    const inner = innerScope(identifier(call, i), { type }, { scope, at });
    slots.push(inner.slot);
    scope = inner;
  }
  const bodies = call.args.slice(variables).map(node => at.compile(node, scope));
  const two = variables === 2;
  return {
    range: range.run,
    rangeType: range.type,
    elementType: types[0] ?? DYN,
    bodies,
    start: frame => cursorOf(range.run(frame), two, frame.meter),
    slots,
  };
}

export function identifier({ args, at }: MacroCall, i: number): string {
  const node = args[i];
  if (node?.op !== 'id') throw at.source.error(node?.start ?? 0, 'argument must be a simple name');
  return node.args;
}

function variableTypes(range: Type, variables: number): readonly Type[] | undefined {
  const [first = DYN, second = DYN] = range.parameters;
  if (range.kind === 'dyn') return [DYN, DYN].slice(0, variables);
  if (range.kind === 'list') return variables === 1 ? [first] : [scalar('int'), first];
  if (range.kind === 'map') return [first, second].slice(0, variables);
  return undefined;
}

function cursorOf(range: unknown, two: boolean, meter: Meter): Cursor {
  if (range instanceof ListValue) {
    const value = (index: number) => range.get(index);
    return { size: range.size, key: two ? index => BigInt(index) : value, value };
  }
  if (!(range instanceof MapValue)) return fail('no such overload');
  const keys = range.keys();
  meter.spend(keys.length * KEY_COST);
  const key = (index: number) => keys[index];
  return { size: keys.length, key, value: index => range.get(keys[index]) };
}

export function place(
  { slots }: Loop,
  cursor: Cursor,
  { index, frame }: { index: number; frame: Frame },
) {
  const [first = 0, second] = slots;
  frame.slots[first] = decoded(cursor.key(index), frame);
  if (second !== undefined) frame.slots[second] = decoded(cursor.value(index), frame);
}

export function walk(
  loop: Loop,
  { frame, cost }: { frame: Frame; cost: number },
  visit: () => void,
): void {
  const cursor = loop.start(frame);
  for (let index = 0; index < cursor.size; index += 1) {
    frame.meter.spend(cost);
    place(loop, cursor, { index, frame });
    visit();
  }
}

/** Of listing a map's keys, each time. */
const KEY_COST = 1;
