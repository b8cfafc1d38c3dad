import {
  allHold,
  CEL_REQUEST_COST_MAX,
  CelCostError,
  CelEvaluationError,
  type Evaluation,
  evaluate,
  type KubeObject,
  type RequestData,
} from 'kernetes/sdk';
import type { CompiledPolicy, CompiledValidation } from './compiled-policy.ts';

/** The request as a policy sees it, with one of its parameters. */
export interface Subject {
  readonly object: KubeObject | null;
  readonly oldObject: KubeObject | null;
  readonly request: RequestData;
  readonly namespaceObject: KubeObject | null;
  readonly params: KubeObject | null;
}

/** What a policy finds wrong. */
export interface Finding {
  readonly message: string;
  /** Of the answer, where the policy says one. */
  readonly reason: string | undefined;
  /** Which of its validations it is. */
  readonly index: number;
}

export interface Outcome {
  readonly findings: readonly Finding[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Holds a policy against a request. */
export function evaluatePolicy(
  policy: CompiledPolicy,
  subject: Subject,
  options: Evaluation['options'],
): Outcome {
  const budget = { limit: CEL_REQUEST_COST_MAX, spent: 0 };
  const variables: Record<string, unknown> = { ...subject };
  const evaluation: Evaluation = { variables, budget, options };
  // Conditions come before variables, and do not know them.
  const holds = allHold(policy.conditions, evaluation);
  if (holds === false) return NOTHING;
  const failed = (message: string, index: number): Finding[] =>
    policy.ignoresFailure ? [] : [{ message, reason: undefined, index }];
  if (holds !== true) return { findings: failed(holds.message, 0), annotations: {} };
  variables.variables = lazyVariables(policy, evaluation);
  const findings = policy.validations.flatMap((each, index) => {
    const value = evaluate(each.holds, evaluation);
    if (value === true) return [];
    if (value instanceof Error) return failed(failureText(each, value), index);
    const message = messageOf(each, evaluation);
    return [{ message, reason: each.validation.reason, index }];
  });
  const annotations: Record<string, string> = {};
  for (const { key, value: expression } of policy.annotations) {
    const value = evaluate(expression, evaluation);
    if (typeof value === 'string') annotations[key] = value.slice(0, ANNOTATION_LENGTH_MAX);
    if (value instanceof Error) {
      const text = `expression '${expression.expression}' resulted in error: ${value.message}`;
      findings.push(...failed(text, policy.validations.length));
    }
  }
  return { findings, annotations };
}

const NOTHING: Outcome = { findings: [], annotations: {} };

/** Each is computed when it is first named, and once. */
function lazyVariables(policy: CompiledPolicy, evaluation: Evaluation): object {
  const values = {};
  for (const { name, value: expression } of policy.variables) {
    let known: { readonly value: unknown } | undefined;
    Object.defineProperty(values, name, {
      enumerable: true,
      get: () => {
        known ??= { value: evaluate(expression, evaluation) };
        const { value } = known;
        if (!(value instanceof Error)) return value;
        if (value instanceof CelCostError) throw value;
        const why = `composited variable ${JSON.stringify(name)} fails to evaluate`;
        throw new CelEvaluationError(`${why}: ${value.message}`);
      },
    });
  }
  return values;
}

function failureText({ holds }: CompiledValidation, error: Error): string {
  if (error instanceof CelCostError) {
    return 'validation failed due to running out of cost budget, no further validation rules will be run';
  }
  return `expression '${holds.expression}' resulted in error: ${error.message}`;
}

function messageOf({ validation, message }: CompiledValidation, evaluation: Evaluation): string {
  const value = message && evaluate(message, evaluation);
  const own = typeof value === 'string' ? value.trim() : '';
  const isUsable = own !== '' && !own.includes('\n') && own.length <= MESSAGE_LENGTH_MAX;
  if (isUsable) return own;
  return validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
}

/** Upstream's bounds. */
const MESSAGE_LENGTH_MAX = 5 * 1024;
const ANNOTATION_LENGTH_MAX = 10 * 1024;
