import type { ASTNode } from '@marcbachmann/cel-js';
import { compileHas } from './access.ts';
import {
  type Compilation,
  type Compiled,
  compileFunction,
  innerScope,
  lookUp,
  noOverload,
  type Scope,
} from './compilation.ts';
import { MACROS } from './macro.ts';
import { assign, DYN, join, type Type } from './type.ts';
import { fail, Optional } from './value.ts';

type Call = Extract<ASTNode, { op: 'call' }>;
type MemberCall = Extract<ASTNode, { op: 'rcall' }>;

/** `f(x)`. */
export function compileGlobalCall(node: Call, scope: Scope | undefined, at: Compilation): Compiled {
  const [name, args] = node.args;
  const position = at.source.after(node.start, '(');
  const [operand] = args;
  if (name === 'has' && args.length === 1) {
    if (operand?.op === '.' || operand?.op === '.?')
      return compileHas(operand as Extract<ASTNode, { op: '.' }>, scope, at);
    throw at.source.error(position, 'invalid argument to has() macro');
  }
  if (name === 'dyn' && operand && args.length === 1) {
    return { type: DYN, run: at.compile(operand, scope).run };
  }
  if (!at.functions.has(name)) throw undeclared(name, position, at);
  return compileFunction(name, args, { node, scope, at, position });
}

/** `x.f(y)`, where `x` may be a namespace: `math.greatest(1, 2)`. */
export function compileCall(node: MemberCall, scope: Scope | undefined, at: Compilation): Compiled {
  const [name, receiver, args] = node.args;
  const position = at.source.after(at.source.after(receiver.end, '.'), '(');
  if (receiver.op === 'id' && !lookUp(receiver.args, scope)) {
    const namespaced = `${receiver.args}.${name}`;
    if (namespaced === 'cel.bind') return compileBind(args, { node, scope, at });
    if (at.functions.has(namespaced)) {
      return compileFunction(namespaced, namespacedArgs(namespaced, args), {
        node,
        scope,
        at,
        position,
      });
    }
  }
  const macro = MACROS.get(`${name}/${args.length}`);
  if (macro) return macro({ receiver, args, scope, at, position });
  if (OPTIONAL_METHODS.has(name)) {
    const made = compileFallback(node, scope, at);
    if (made) return made;
  }
  if (!at.functions.has(`.${name}`)) {
    // What is wrong before the dot is said first.
    at.compile(receiver, scope);
    throw undeclared(name, position, at);
  }
  return compileFunction(`.${name}`, [receiver, ...args], { node, scope, at, position });
}

function undeclared(name: string, position: number, { source }: Compilation) {
  return source.error(position, `undeclared reference to '${name}' (in container '')`);
}

/** Functions of any number of arguments take a list of them. */
function namespacedArgs(name: string, args: readonly ASTNode[]): readonly ASTNode[] {
  const [first] = args;
  if (!VARIADIC.has(name) || first === undefined) return args;
  if (args.length === 1 && first.op === 'list') return args;
  return [{ ...first, op: 'list', args: [...args] } as unknown as ASTNode];
}

const VARIADIC: ReadonlySet<string> = new Set(['math.greatest', 'math.least']);

/** `cel.bind(name, value, expression)`. */
function compileBind(
  args: readonly ASTNode[],
  { node, scope, at }: { node: ASTNode; scope: Scope | undefined; at: Compilation },
): Compiled {
  const [name, valueNode, bodyNode] = args;
  if (name?.op !== 'id' || !valueNode || !bodyNode)
    throw at.source.error(node.start, 'cel.bind() variable names must be simple identifiers');
  const value = at.compile(valueNode, scope);
  const inner = innerScope(name.args, value, { scope, at });
  const body = at.compile(bodyNode, inner);
  return {
    type: body.type,
    run: frame => {
      frame.slots[inner.slot] = value.run(frame);
      return body.run(frame);
    },
  };
}

const OPTIONAL_METHODS: ReadonlySet<string> = new Set(['or', 'orValue']);

/** `or` and `orValue` look at their argument only where there is no value. */
function compileFallback(
  node: MemberCall,
  scope: Scope | undefined,
  at: Compilation,
): Compiled | undefined {
  const [name, receiver, [argument]] = node.args;
  if (argument === undefined) return undefined;
  const operand = at.compile(receiver, scope);
  const fallback = at.compile(argument, scope);
  const resolved = typeOfFallback(name, operand, fallback);
  if (!resolved) {
    const position = at.source.after(at.source.after(receiver.end, '.'), '(');
    throw noOverload(name, at, [position, operand, fallback]);
  }
  return {
    type: resolved,
    run: frame => {
      const value = operand.run(frame);
      frame.meter.spend(1);
      if (!(value instanceof Optional)) return fail('no such overload');
      if (value === Optional.NONE) return fallback.run(frame);
      return name === 'or' ? value : value.value;
    },
  };
}

function typeOfFallback(name: string, operand: Compiled, fallback: Compiled): Type | undefined {
  if (operand.type.kind === 'dyn') return DYN;
  if (operand.type.kind !== 'optional') return undefined;
  const value = operand.type.parameters[0] ?? DYN;
  const wanted = name === 'or' ? operand.type : value;
  const either =
    assign(wanted, fallback.type, new Map()) || assign(fallback.type, wanted, new Map());
  return either ? join([wanted, fallback.type]) : undefined;
}
