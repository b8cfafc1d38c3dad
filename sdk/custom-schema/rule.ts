import type { ValidationRule } from '../api/types-apiextensions-v1.ts';
import type { Cel, CelProgram, CelType } from '../cel/cel.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: CelProgram;
  /** Of its `messageExpression`. */
  readonly message: CelProgram | undefined;
  readonly usesOld: boolean;
  /** With `optionalOldSelf`, what was before is an optional, empty on a create. */
  readonly optional: OldOptional | undefined;
}

/** Gives the two values of an optional. */
export interface OldOptional {
  /** Of the variable `old`. */
  readonly of: CelProgram;
  readonly none: CelProgram;
}

/** Throws `CelCompileError`. */
export function compileRule(rule: ValidationRule, type: CelType, cel: Cel): CompiledRule {
  const optional = rule.optionalOldSelf ? optionalOf(type, cel) : undefined;
  const old: CelType = optional ? { of: optional.of.type } : type;
  const variables = { self: type, oldSelf: old };
  const program = cel.compile(rule.rule, { variables });
  const message = compileMessage(rule, variables, cel);
  return { rule, program, message, usesOld: program.mentions('oldSelf'), optional };
}

export function compileMessage(
  { messageExpression }: ValidationRule,
  variables: Readonly<Record<string, CelType>>,
  cel: Cel,
): CelProgram | undefined {
  if (!messageExpression) return undefined;
  return cel.compile(messageExpression, { variables, result: 'string' });
}

function optionalOf(type: CelType, cel: Cel): OldOptional {
  return {
    of: cel.compile('optional.of(old)', { variables: { old: type }, result: 'any' }),
    none: cel.compile('optional.none()', { variables: {}, result: 'any' }),
  };
}
