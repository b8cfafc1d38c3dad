import type { ASTNode } from '@marcbachmann/cel-js';
import { type Compiled, innerScope, LIST_COST, MAP_COST } from './compilation.ts';
import { identifier, type Loop, loopOf, type MacroCall, place, walk } from './loop.ts';
import type { Frame, Run } from './meter.ts';
import { assign, BOOL, DYN, listOf, mapOf, optionalOf } from './type.ts';
import { fail, isTrue, ListValue, MapValue, mapFrom, Optional } from './value.ts';

/**
 * Comprehensions are loops of ours instead of upstream's general fold. What upstream's fold would
 * count for its accumulator is counted per element, so that costs are of the same size.
 */
type Macro = (call: MacroCall) => Compiled;

const ALL_COST = 3;
const EXISTS_COST = 4;
const ONE_COST = 1;
const APPEND_COST = LIST_COST + 2;
const INSERT_COST = MAP_COST + 2;

/** By name and number of arguments. */
export const MACROS: ReadonlyMap<string, Macro> = new Map<string, Macro>([
  ['all/2', call => quantifier(call, 1, false)],
  ['all/3', call => quantifier(call, 2, false)],
  ['exists/2', call => quantifier(call, 1, true)],
  ['exists/3', call => quantifier(call, 2, true)],
  ['exists_one/2', call => existsOne(call, 1)],
  ['existsOne/2', call => existsOne(call, 1)],
  ['exists_one/3', call => existsOne(call, 2)],
  ['existsOne/3', call => existsOne(call, 2)],
  ['filter/2', filter],
  ['map/2', call => mapTo(call, 1)],
  ['map/3', call => mapTo(call, 1)],
  ['transformList/3', call => mapTo(call, 2)],
  ['transformList/4', call => mapTo(call, 2)],
  ['transformMap/3', transformMap],
  ['transformMap/4', transformMap],
  ['transformMapEntry/3', transformMapEntry],
  ['transformMapEntry/4', transformMapEntry],
  ['optMap/2', call => optional(call, false)],
  ['optFlatMap/2', call => optional(call, true)],
]);

function predicate(loop: Loop, call: MacroCall, i = 0): Run {
  const body = loop.bodies[i] as Compiled;
  if (assign(BOOL, body.type, new Map())) return body.run;
  const node = call.args[loop.slots.length + i];
  throw call.at.source.error(
    node?.start ?? call.position,
    `expected type 'bool' but found '${body.type.name}'`,
  );
}

/** `all` and `exists`: the decisive answer wins over failures. */
function quantifier(call: MacroCall, variables: number, decisive: boolean): Compiled {
  const loop = loopOf(call, variables);
  const test = predicate(loop, call);
  const cost = decisive ? EXISTS_COST : ALL_COST;
  return { type: BOOL, run: frame => quantify(loop, test, { frame, decisive, cost }) };
}

function quantify(
  loop: Loop,
  test: Run,
  { frame, decisive, cost }: { frame: Frame; decisive: boolean; cost: number },
): boolean {
  const cursor = loop.start(frame);
  let failure: unknown;
  for (let index = 0; index < cursor.size; index += 1) {
    frame.meter.spend(cost);
    try {
      place(loop, cursor, { index, frame });
      if (isTrue(test(frame)) === decisive) return decisive;
    } catch (thrown) {
      failure = frame.meter.putAside(thrown, failure);
    }
  }
  if (failure !== undefined) throw failure;
  return !decisive;
}

function existsOne(call: MacroCall, variables: number): Compiled {
  const loop = loopOf(call, variables);
  const test = predicate(loop, call);
  return {
    type: BOOL,
    run: frame => {
      let count = 0;
      walk(loop, { frame, cost: ONE_COST }, () => {
        if (isTrue(test(frame))) count += 1;
      });
      return count === 1;
    },
  };
}

function filter(call: MacroCall): Compiled {
  const loop = loopOf(call, 1);
  const test = predicate(loop, call);
  const [slot = 0] = loop.slots;
  return {
    type: listOf(loop.elementType),
    run: frame => {
      const kept: unknown[] = [];
      walk(loop, { frame, cost: APPEND_COST }, () => {
        const element = frame.slots[slot];
        if (isTrue(test(frame))) kept.push(element);
      });
      return new ListValue(kept);
    },
  };
}

/** `map` and `transformList`, both with or without a filter. */
function mapTo(call: MacroCall, variables: number): Compiled {
  const loop = loopOf(call, variables);
  const { condition, transform } = transformOf(loop, call);
  return {
    type: listOf(transform.type),
    run: frame => {
      const made: unknown[] = [];
      walk(loop, { frame, cost: APPEND_COST }, () => {
        if (condition === undefined || isTrue(condition(frame))) made.push(transform.run(frame));
      });
      return new ListValue(made);
    },
  };
}

function transformOf(
  loop: Loop,
  call: MacroCall,
): { condition: Run | undefined; transform: Compiled } {
  const condition = loop.bodies.length > 1 ? predicate(loop, call) : undefined;
  return { condition, transform: loop.bodies.at(-1) as Compiled };
}

function transformMap(call: MacroCall): Compiled {
  const loop = loopOf(call, 2);
  const { condition, transform } = transformOf(loop, call);
  const [key = 0] = loop.slots;
  return {
    type: mapOf(loop.elementType, transform.type),
    run: frame => {
      const entries: [unknown, unknown][] = [];
      walk(loop, { frame, cost: INSERT_COST }, () => {
        const name = frame.slots[key];
        if (condition === undefined || isTrue(condition(frame)))
          entries.push([name, transform.run(frame)]);
      });
      return mapFrom(entries);
    },
  };
}

/** The transformation gives a map of one entry. */
function transformMapEntry(call: MacroCall): Compiled {
  const loop = loopOf(call, 2);
  const { condition, transform } = transformOf(loop, call);
  return {
    type: transform.type,
    run: frame => {
      const entries: [unknown, unknown][] = [];
      walk(loop, { frame, cost: INSERT_COST }, () => {
        if (condition !== undefined && !isTrue(condition(frame))) return;
        const made = transform.run(frame);
        if (!(made instanceof MapValue)) return fail('no such overload');
        frame.meter.spend(made.size);
        for (const key of made.keys()) entries.push([key, made.get(key)]);
      });
      return mapFrom(entries);
    },
  };
}

/** `optMap` and `optFlatMap`. */
function optional(call: MacroCall, flat: boolean): Compiled {
  const { at, scope } = call;
  const operand = at.compile(call.receiver, scope);
  const kind = operand.type.kind;
  if (kind !== 'optional' && kind !== 'dyn')
    throw at.source.error(
      call.position,
      `expected type 'optional_type' but found '${operand.type.name}'`,
    );
  const type = operand.type.parameters[0] ?? DYN;
  const inner = innerScope(identifier(call, 0), { type }, { scope, at });
  const body = at.compile(call.args[1] as ASTNode, inner);
  return {
    type: flat ? body.type : optionalOf(body.type),
    run: frame => {
      const value = operand.run(frame);
      frame.meter.spend(1);
      if (!(value instanceof Optional)) return fail('no such overload');
      if (value === Optional.NONE) return value;
      frame.slots[inner.slot] = value.value;
      const made = body.run(frame);
      return flat ? made : new Optional(made);
    },
  };
}
