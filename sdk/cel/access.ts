import type { ASTNode } from '@marcbachmann/cel-js';
import {
  type Compilation,
  type Compiled,
  compileSlot,
  lookUp,
  noOverload,
  type Scope,
} from './compilation.ts';
import { decoded, type Frame } from './meter.ts';
import { DYN, type Field, optionalOf, scalar, type Type } from './type.ts';
import { fail, ListValue, MapValue, Optional, StructValue, Uint } from './value.ts';

type Access = Extract<ASTNode, { op: '.' | '.?' }>;
type Index = Extract<ASTNode, { op: '[]' | '[?]' }>;

/** `x.name`, `x.?name`. */
export function compileAccess(node: Access, scope: Scope | undefined, at: Compilation): Compiled {
  const [operandNode, name] = node.args;
  const qualified = operandNode.op === 'id' && lookUp(`${operandNode.args}.${name}`, scope);
  if (qualified) return compileSlot(qualified, at);
  const operand = at.compile(operandNode, scope);
  const member = memberOf(operand.type, name, { node, at });
  const optional = node.op === '.?' || operand.type.kind === 'optional';
  if (optional) {
    return {
      type: optionalOf(member.type),
      run: frame => optionalField(operand.run(frame), { name, member, frame }),
    };
  }
  return {
    type: member.type,
    run: frame => {
      const value = operand.run(frame);
      frame.meter.spend(1);
      const found = fieldOf(value, name, member.field);
      return found === undefined ? fail(`no such key: ${name}`) : decoded(found, frame);
    },
  };
}

/** `has(x.name)`: absent is false, but what stands before the name must be there. */
export function compileHas(node: Access, scope: Scope | undefined, at: Compilation): Compiled {
  const [operandNode, name] = node.args;
  const operand = at.compile(operandNode, scope);
  const member = memberOf(operand.type, name, { node, at });
  return {
    type: scalar('bool'),
    run: frame => {
      const value = operand.run(frame);
      frame.meter.spend(1);
      if (!(value instanceof Optional)) return fieldOf(value, name, member.field) !== undefined;
      return value !== Optional.NONE && fieldOf(value.value, name, member.field) !== undefined;
    },
  };
}

interface Member {
  readonly type: Type;
  /** Where the type declares it. */
  readonly field: Field | undefined;
}

function memberOf(
  operand: Type,
  name: string,
  { node, at }: { node: Access; at: Compilation },
): Member {
  const position = at.source.before(node.pos, '.');
  const type = operand.kind === 'optional' ? (operand.parameters[0] ?? DYN) : operand;
  switch (type.kind) {
    case 'dyn':
      return { type: DYN, field: undefined };
    case 'map':
      return { type: type.parameters[1] ?? DYN, field: undefined };
    case 'object': {
      const field = type.fields?.().get(name);
      if (!field) throw at.source.error(position, `undefined field '${name}'`);
      return { type: field.binding.type, field };
    }
    default:
      throw at.source.error(position, `type '${type.name}' does not support field selection`);
  }
}

/** Undefined if there is none. */
function fieldOf(value: unknown, name: string, field: Field | undefined): unknown {
  if (field !== undefined && value instanceof StructValue) {
    return value.read(field.key, field.binding.adapt);
  }
  return value instanceof MapValue ? value.get(name) : fail('no such overload');
}

function optionalField(
  value: unknown,
  { name, member, frame }: { name: string; member: Member; frame: Frame },
): Optional {
  frame.meter.spend(1);
  if (value === Optional.NONE) return Optional.NONE;
  const target = value instanceof Optional ? value.value : value;
  return optionalFrom(decoded(fieldOf(target, name, member.field), frame));
}

function optionalFrom(found: unknown): Optional {
  if (found === undefined) return Optional.NONE;
  return found instanceof Optional ? found : new Optional(found);
}

/** `x[i]`, `x[?i]`. */
export function compileIndex(node: Index, scope: Scope | undefined, at: Compilation): Compiled {
  const operand = at.compile(node.args[0], scope);
  const index = at.compile(node.args[1], scope);
  const unwrapped =
    operand.type.kind === 'optional' ? (operand.type.parameters[0] ?? DYN) : operand.type;
  const type = elementType(unwrapped, index.type);
  if (type === undefined) {
    const position = at.source.after(node.args[0].end, '[');
    throw noOverload(node.op === '[?]' ? '_[?_]' : '_[_]', at, [position, operand, index]);
  }
  if (node.op === '[?]' || operand.type.kind === 'optional') {
    return {
      type: optionalOf(type),
      run: frame => optionalElement(operand.run(frame), index.run(frame), frame),
    };
  }
  return {
    type,
    run: frame => {
      const value = operand.run(frame);
      const key = index.run(frame);
      frame.meter.spend(1);
      const found = elementOf(value, key);
      return found === undefined ? fail(missing(value, key)) : decoded(found, frame);
    },
  };
}

function elementType(operand: Type, index: Type): Type | undefined {
  switch (operand.kind) {
    case 'dyn':
      return DYN;
    case 'list':
      return NUMBERS.has(index.kind) ? operand.parameters[0] : undefined;
    case 'map': {
      const [key = DYN, value] = operand.parameters;
      const fits = key.kind === index.kind || key.kind === 'dyn' || index.kind === 'dyn';
      return fits ? value : undefined;
    }
    default:
      return undefined;
  }
}

const NUMBERS: ReadonlySet<string> = new Set(['int', 'dyn']);

function optionalElement(value: unknown, key: unknown, frame: Frame): Optional {
  frame.meter.spend(1);
  if (value === Optional.NONE) return Optional.NONE;
  const found = elementOf(value instanceof Optional ? value.value : value, key);
  return optionalFrom(decoded(found, frame));
}

function elementOf(value: unknown, key: unknown): unknown {
  if (value instanceof MapValue) return value.get(key);
  if (!(value instanceof ListValue)) return fail('no such overload');
  const index = indexOf(key);
  return index >= 0 && index < value.size ? value.get(index) : undefined;
}

/** A list's index may be any number that is integral. */
export function indexOf(key: unknown): number {
  if (typeof key === 'bigint') return Number(key);
  if (key instanceof Uint) return Number(key.value);
  if (typeof key === 'number' && Number.isInteger(key)) return key;
  return fail('unsupported index type');
}

function missing(value: unknown, key: unknown): string {
  const shown = key instanceof Uint ? key.value : key;
  return `${value instanceof ListValue ? 'index out of bounds' : 'no such key'}: ${String(shown)}`;
}
