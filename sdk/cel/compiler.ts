import type { ASTNode } from '@marcbachmann/cel-js';
import { compileAccess, compileIndex } from './access.ts';
import { compileCall, compileGlobalCall } from './call.ts';
import {
  type Compilation,
  type Compiled,
  compileFunction,
  compileSlot,
  LIST_COST,
  lookUp,
  MAP_COST,
  noOverload,
  type Scope,
} from './compilation.ts';
import { equal } from './equality.ts';
import type { Frame, Run } from './meter.ts';
import { chainOf } from './parse.ts';
import { assign, BOOL, join, listOf, mapOf, scalar, type Type } from './type.ts';
import { INT_MAX, isTrue, ListValue, mapFrom, TypeValue, Uint } from './value.ts';

/**
 * Checks the types of a parsed expression and makes closures of it, in one pass. The package's own
 * evaluator is not used: it has no hook that could count costs, it matches patterns with a
 * backtracking engine, and its types are not those of schemas.
 */
export function compileNode(node: ASTNode, scope: Scope | undefined, at: Compilation): Compiled {
  switch (node.op) {
    case 'value':
      return compileLiteral(node.args, node, at);
    case 'id':
      return compileName(node.args, node, { scope, at });
    case '.':
    case '.?':
      return compileAccess(node, scope, at);
    case '[]':
    case '[?]':
      return compileIndex(node, scope, at);
    case 'call':
      return compileGlobalCall(node, scope, at);
    case 'rcall':
      return compileCall(node, scope, at);
    case 'list':
      return compileList(node.args, scope, at);
    case 'map':
      return compileMap(node.args, scope, at);
    case '?:':
      return compileTernary(node, scope, at);
    case '||':
    case '&&':
      return compileLogical(node, scope, at);
    case '!_':
    case '-_':
      return compileUnary(node, scope, at);
    case '==':
    case '!=':
      return compileEquality(node, scope, at);
    default:
      return compileBinary(node, scope, at);
  }
}

type Node<Op extends ASTNode['op']> = Extract<ASTNode, { op: Op }>;

function compileLiteral(value: unknown, node: ASTNode, { source }: Compilation): Compiled {
  if (typeof value === 'bigint' && value > INT_MAX)
    throw source.error(node.start, 'invalid int literal');
  const made = isUnsigned(value) ? new Uint(value.value) : value;
  return { type: literalType(made), run: () => made, literal: made };
}

/** The parser's own class. */
function isUnsigned(value: unknown): value is { readonly value: bigint } {
  return typeof value === 'object' && value !== null && 'verify' in value;
}

function literalType(value: unknown): Type {
  switch (typeof value) {
    case 'bigint':
      return scalar('int');
    case 'number':
      return scalar('double');
    case 'string':
      return scalar('string');
    case 'boolean':
      return BOOL;
    default:
      return scalar(value === null ? 'null' : value instanceof Uint ? 'uint' : 'bytes');
  }
}

function compileName(
  name: string,
  node: ASTNode,
  { scope, at }: { scope: Scope | undefined; at: Compilation },
): Compiled {
  const found = lookUp(name, scope);
  if (found) return compileSlot(found, at);
  const type = TYPE_NAMES.get(name);
  if (type) return { type: scalar('type'), run: () => type };
  throw at.source.error(node.start, `undeclared reference to '${name}' (in container '')`);
}

const TYPE_NAMES: ReadonlyMap<string, TypeValue> = new Map(
  ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map', 'null_type', 'type'].map(
    name => [name, new TypeValue(name)],
  ),
);

function compileList(
  nodes: readonly ASTNode[],
  scope: Scope | undefined,
  at: Compilation,
): Compiled {
  const items = nodes.map(node => compileNode(node, scope, at));
  return {
    type: listOf(join(items.map(({ type }) => type))),
    run: frame => {
      frame.meter.spend(LIST_COST);
      return new ListValue(items.map(({ run }) => run(frame)));
    },
  };
}

function compileMap(
  nodes: readonly (readonly [ASTNode, ASTNode])[],
  scope: Scope | undefined,
  at: Compilation,
): Compiled {
  const entries = nodes.map(
    ([key, value]) => [compileNode(key, scope, at), compileNode(value, scope, at)] as const,
  );
  return {
    type: mapOf(join(entries.map(([{ type }]) => type)), join(entries.map(([, { type }]) => type))),
    run: frame => {
      frame.meter.spend(MAP_COST);
      return mapFrom(entries.map(([key, value]) => [key.run(frame), value.run(frame)]));
    },
  };
}

function compileTernary(node: Node<'?:'>, scope: Scope | undefined, at: Compilation): Compiled {
  const [condition, yes, no] = node.args.map(each => compileNode(each, scope, at)) as [
    Compiled,
    Compiled,
    Compiled,
  ];
  const fits =
    assign(BOOL, condition.type, new Map()) &&
    (assign(yes.type, no.type, new Map()) || assign(no.type, yes.type, new Map()));
  if (!fits)
    throw noOverload('_?_:_', at, [at.source.after(node.args[0].end, '?'), condition, yes, no]);
  return {
    type: join([yes.type, no.type]),
    run: frame => (isTrue(condition.run(frame)) ? yes : no).run(frame),
  };
}

/** A chain of one operator is one node, so that long ones are not deep. */
function compileLogical(
  node: Node<'||' | '&&'>,
  scope: Scope | undefined,
  at: Compilation,
): Compiled {
  const operands = chainOf(node).map(each => compileNode(each, scope, at));
  const wrong = operands.find(({ type }) => !assign(BOOL, type, new Map()));
  if (wrong) {
    const position = at.source.after(node.args[0].end, node.op);
    throw noOverload(`_${node.op}_`, at, [position, ...operands.slice(-2)]);
  }
  const decisive = node.op === '||';
  const runs = operands.map(({ run }) => run);
  return { type: BOOL, run: frame => decide(runs, decisive, frame) };
}

/** A decisive operand wins over failures on either side. */
function decide(runs: readonly Run[], decisive: boolean, frame: Frame): boolean {
  let failure: unknown;
  for (const run of runs) {
    try {
      if (isTrue(run(frame)) === decisive) return decisive;
    } catch (thrown) {
      failure = frame.meter.putAside(thrown, failure);
    }
  }
  if (failure !== undefined) throw failure;
  return !decisive;
}

function compileUnary(
  node: Node<'!_' | '-_'>,
  scope: Scope | undefined,
  at: Compilation,
): Compiled {
  const { args } = node;
  if (node.op === '-_' && args.op === 'value' && typeof args.args === 'bigint') {
    if (args.args > INT_MAX + 1n) throw at.source.error(node.start, 'invalid int literal');
    const value = -args.args;
    return { type: scalar('int'), run: () => value, literal: value };
  }
  return compileFunction(node.op === '-_' ? '-_' : '!_', [args], { node, scope, at });
}

function compileEquality(
  node: Node<'==' | '!='>,
  scope: Scope | undefined,
  at: Compilation,
): Compiled {
  const [left, right] = node.args.map(each => compileNode(each, scope, at)) as [Compiled, Compiled];
  if (!assign(left.type, right.type, new Map()) && !assign(right.type, left.type, new Map())) {
    const position = at.source.after(node.args[0].end, node.op);
    throw noOverload(`_${node.op}_`, at, [position, left, right]);
  }
  const wanted = node.op === '==';
  return {
    type: BOOL,
    run: frame => {
      frame.meter.spend(1);
      return equal(left.run(frame), right.run(frame), frame.meter) === wanted;
    },
  };
}

function compileBinary(node: ASTNode, scope: Scope | undefined, at: Compilation): Compiled {
  const [left, right] = node.args as [ASTNode, ASTNode];
  const name = node.op === 'in' ? '@in' : `_${node.op}_`;
  const position = at.source.after(left.end, node.op);
  return compileFunction(name, [left, right], { node, scope, at, position });
}
