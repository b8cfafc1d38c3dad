import type { AdmissionRequest } from '../admission.ts';
import type { MatchCondition } from '../api/types-admissionregistration-v1.ts';
import {
  type CelBudget,
  CelCompileError,
  type CelEvaluateOptions,
  CelEvaluationError,
  type CelProgram,
} from '../cel/cel.ts';
import { joinErrors } from '../status.ts';

/** An expression, compiled, or why it cannot be. */
export interface CompiledExpression {
  readonly expression: string;
  readonly program: CelProgram | CelCompileError;
}

/** Objects are checked when they are written, but may be older than what checks them. */
export function compiled(expression: string, compile: () => CelProgram): CompiledExpression {
  try {
    return { expression, program: compile() };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    return { expression, program: error };
  }
}

export function conditionsOf(
  conditions: readonly MatchCondition[] | undefined,
  compile: (expression: string) => CelProgram,
): CompiledExpression[] {
  return (conditions ?? []).map(({ expression }) =>
    compiled(expression, () => compile(expression)),
  );
}

export interface Evaluation {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly budget: CelBudget;
  readonly options: CelEvaluateOptions;
}

/** What a condition gives; an error where it gives nothing. */
export function evaluate({ program }: CompiledExpression, evaluation: Evaluation): unknown {
  if (program instanceof CelCompileError) return program;
  try {
    return program.evaluate(evaluation.variables, evaluation.budget, evaluation.options);
  } catch (error) {
    if (!(error instanceof CelEvaluationError)) throw error;
    return error;
  }
}

/** Whether all hold. One that does not outweighs those that fail; else the failures are told. */
export function allHold(
  conditions: readonly CompiledExpression[],
  evaluation: Evaluation,
): boolean | Error {
  const failures: string[] = [];
  for (const condition of conditions) {
    const value = evaluate(condition, evaluation);
    if (value === false) return false;
    if (value === true) continue;
    const why = value instanceof Error ? value.message : 'not a boolean';
    failures.push(`expression '${condition.expression}' resulted in error: ${why}`);
  }
  if (failures.length === 0) return true;
  return new Error(joinErrors(failures));
}

/** What `authorizer.requestResource` stands for. */
export function requestResource(request: AdmissionRequest) {
  const { group, resource, subresource, namespace, name } = request;
  return { group, resource, subresource, namespace, name };
}
