import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { bindingOf } from './binding.ts';
import type { Cel, CelCompileOptions, CelProgram } from './cel.ts';
import { CelCompileError } from './cel.ts';
import type { Compilation, Compiled, Scope } from './compilation.ts';
import { compileNode } from './compiler.ts';
import { AUTHORIZER, AUTHORIZER_TYPE, REQUEST_RESOURCE } from './library/authorizer.ts';
import { LIBRARIES } from './library/libraries.ts';
import { compilePattern } from './library/regex.ts';
import { type Functions, functionsOf } from './overload.ts';
import { PARSER_OPTIONS, parseExpression } from './parse.ts';
import { plainValue } from './plain.ts';
import { type Patterns, Program, type Variable } from './program.ts';
import { Source } from './source.ts';
import { assign, scalar, type Type } from './type.ts';
import { Failure } from './value.ts';

/** Only the package's parser is used, which checks the form of macros too. */
function createCel(): Cel {
  const functions = functionsOf(LIBRARIES);
  const withAuthorizer = functionsOf([...LIBRARIES, AUTHORIZER]);
  const parser = new Environment(PARSER_OPTIONS);
  return {
    compile: (expression, options) => {
      const source = new Source(expression);
      const ast = parseExpression(parser, source);
      return programOf(source, ast, {
        options,
        functions: options.authorizer ? withAuthorizer : functions,
      });
    },
    plain: plainValue,
  };
}

/** Holds no state, so that one is enough. */
export const CEL: Cel = createCel();

function programOf(
  source: Source,
  ast: ASTNode,
  { options, functions }: { options: CelCompileOptions; functions: Functions },
): CelProgram {
  const variables = variablesOf(options);
  const patterns: Patterns = new Map();
  const used = new Set<string>();
  const at: Compilation = {
    source,
    functions,
    used,
    variables: variables.length,
    compile: (node, scope) => compileNode(node, scope, at),
    pattern: text => patterns.set(text, literalPattern(text, source)),
  };
  const compiled = compileNode(ast, scopeOf(variables), at);
  checkResult(compiled, options.result ?? 'bool');
  return new Program({ expression: source.text, compiled, variables, patterns, used });
}

function variablesOf({ variables, authorizer }: CelCompileOptions): Variable[] {
  const own = Object.entries(variables).map(([name, type]) => ({ name, binding: bindingOf(type) }));
  if (!authorizer) return own;
  const given = (data: unknown) => data;
  return [
    ...own,
    { name: 'authorizer', binding: { type: AUTHORIZER_TYPE, adapt: given } },
    { name: REQUEST_RESOURCE, binding: { type: scalar('dyn'), adapt: given } },
  ];
}

function scopeOf(variables: readonly Variable[]): Scope | undefined {
  let scope: Scope | undefined;
  for (const [slot, { name, binding }] of variables.entries()) {
    scope = { name, slot, type: binding.type, parent: scope };
  }
  return scope;
}

function literalPattern(text: string, source: Source) {
  try {
    return compilePattern(text);
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    throw source.error(0, thrown.message);
  }
}

type Wanted = NonNullable<CelCompileOptions['result']>;

const RESULTS: Readonly<Record<Exclude<Wanted, 'any'>, readonly Type[]>> = {
  bool: [scalar('bool')],
  string: [scalar('string')],
  'string-or-null': [scalar('string'), scalar('null')],
};

function checkResult({ type }: Compiled, wanted: Wanted): void {
  if (wanted === 'any' || RESULTS[wanted].some(each => assign(each, type, new Map()))) return;
  const names = RESULTS[wanted].map(({ name }) => (name === 'null' ? 'null_type' : name));
  const message =
    names.length === 1
      ? `must evaluate to ${names[0]}`
      : `must evaluate to one of [${names.join(' ')}]`;
  throw new CelCompileError('result', message);
}
