import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { CEL_EXPRESSION_LENGTH_MAX } from './cel.ts';
import type { Source } from './source.ts';

/** Nesting, as upstream's parser bounds it; the compiler and its closures call as deep. */
const DEPTH_MAX = 250;
/** A node takes some hundred bytes when compiled. */
const NODES_MAX = 20_000;

export const PARSER_OPTIONS = {
  unlistedVariablesAreDyn: true,
  enableOptionalTypes: true,
  limits: { maxAstNodes: NODES_MAX, maxDepth: DEPTH_MAX },
} as const;

/** Throws `CelCompileError` only. */
export function parseExpression(parser: Environment, source: Source): ASTNode {
  const size = source.text.length;
  if (size > CEL_EXPRESSION_LENGTH_MAX) {
    const limit = `size: ${size}, limit ${CEL_EXPRESSION_LENGTH_MAX}`;
    throw source.error(0, `expression code point size exceeds limit: ${limit}`);
  }
  const ast = parsed(parser, source);
  if (isTooDeep(ast)) throw source.error(0, TOO_DEEP);
  return ast;
}

const TOO_DEEP = `expression recursion limit exceeded: ${DEPTH_MAX}`;

function parsed(parser: Environment, source: Source): ASTNode {
  try {
    return parser.parse(source.text).ast;
  } catch (thrown) {
    // The parser does not count the depth of `!!!!x`.
    if (thrown instanceof RangeError) throw source.error(0, TOO_DEEP);
    const { range, summary, message } = thrown as Error & {
      range?: { start: number };
      summary?: string;
    };
    throw source.error(range?.start ?? 0, `Syntax error: ${summary ?? message}`);
  }
}

/** Without recursion, which it protects. A chain of `&&` or `||` counts as one level. */
function isTooDeep(ast: ASTNode): boolean {
  let level: readonly ASTNode[] = [ast];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_MAX) return true;
    level = level.flatMap(childrenOf);
  }
  return false;
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    case '||':
    case '&&':
      return chainOf(node);
    default:
      return node.args;
  }
}

/** The operands of a chain of one operator, as if they stood in a list. */
export function chainOf(node: Chain): ASTNode[] {
  const operands: ASTNode[] = [];
  let rest: ASTNode = node;
  while (rest.op === node.op) {
    const [left, right]: readonly [ASTNode, ASTNode] = (rest as Chain).args;
    operands.push(right);
    rest = left;
  }
  return [...operands, rest].reverse();
}

type Chain = Extract<ASTNode, { op: '||' | '&&' }>;
