import type { RE2JS } from 're2js';
import {
  CEL_CALL_COST_MAX,
  type CelBudget,
  CelCostError,
  type CelEvaluateOptions,
  CelEvaluationError,
  type CelProgram,
} from './cel.ts';
import type { Compiled } from './compilation.ts';
import { authorizerValue, REQUEST_RESOURCE, requestResourceValue } from './library/authorizer.ts';
import { type Frame, Meter } from './meter.ts';
import type { Binding, Type } from './type.ts';
import { Exhausted, Failure, fail } from './value.ts';

export interface Variable {
  readonly name: string;
  readonly binding: Binding;
}

export type Patterns = Map<string, RE2JS>;

export interface ProgramParts {
  readonly expression: string;
  readonly compiled: Compiled;
  readonly variables: readonly Variable[];
  readonly patterns: Patterns;
  /** Names of variables that it mentions. */
  readonly used: ReadonlySet<string>;
}

/** A checked expression. Holds no state of an evaluation, so that it may be used again in one. */
export class Program implements CelProgram {
  readonly expression: string;
  readonly type: Type;
  readonly #parts: ProgramParts;

  constructor(parts: ProgramParts) {
    this.expression = parts.expression;
    this.type = parts.compiled.type;
    this.#parts = parts;
  }

  mentions(variable: string): boolean {
    return this.#parts.used.has(variable);
  }

  evaluate(
    variables: Readonly<Record<string, unknown>>,
    budget: CelBudget,
    options: CelEvaluateOptions = {},
  ): unknown {
    const limit = Math.min(CEL_CALL_COST_MAX, Math.max(0, budget.limit - budget.spent));
    const meter = new Meter(limit);
    try {
      return this.#parts.compiled.run(this.#frame(variables, meter, options));
    } catch (thrown) {
      throw errorOf(thrown);
    } finally {
      budget.spent += Math.min(meter.spent, limit);
    }
  }

  #frame(
    data: Readonly<Record<string, unknown>>,
    meter: Meter,
    options: CelEvaluateOptions,
  ): Frame {
    const { variables, patterns } = this.#parts;
    const slots: unknown[] = [];
    const { authorizer, requestResource } = options;
    const load = (slot: number): unknown => {
      const { name, binding } = variables[slot] as Variable;
      const value = Object.hasOwn(data, name) ? data[name] : special(name, options);
      if (value === undefined && binding.type.kind !== 'optional')
        return fail(`no such attribute(s): ${name}`);
      slots[slot] = binding.adapt(value);
      return slots[slot];
    };
    const compiled = new Map<string, RE2JS>();
    return { meter, slots, load, patterns, compiled, authorizer, requestResource };
  }
}

function special(name: string, { authorizer, requestResource }: CelEvaluateOptions): unknown {
  if (name === 'authorizer' && authorizer) return authorizerValue();
  if (name === REQUEST_RESOURCE && requestResource) return requestResourceValue(requestResource);
  return undefined;
}

function errorOf(thrown: unknown): CelEvaluationError {
  if (thrown instanceof Failure) return new CelEvaluationError(thrown.message);
  if (thrown instanceof Exhausted)
    return new CelCostError('operation cancelled: actual cost limit exceeded');
  // What another program threw in a getter of a variable.
  if (thrown instanceof CelEvaluationError) return thrown;
  return new CelEvaluationError(`internal error: ${String(thrown)}`, { cause: thrown });
}
