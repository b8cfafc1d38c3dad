import type { Schema } from '../schema.ts';

export type { CelDevice, CelDeviceAttribute } from './device.ts';

/**
 * The Common Expression Language as Kubernetes uses it (KEP-2876, KEP-3488): custom resources'
 * rules, admission policies, webhooks' match conditions. The engine is loaded on first use.
 */
export interface Cel {
  /** Throws `CelCompileError` with the message that upstream's compiler begins with. */
  compile(expression: string, options: CelCompileOptions): CelProgram;
  /** What a program gave as JSON data: lists as arrays, ints as numbers, timestamps as text. */
  plain(value: unknown): unknown;
}

/** Loads the engine, the first time; it gives the same object each time. */
export async function loadCel(): Promise<Cel> {
  const { CEL } = await import('./engine.ts');
  return CEL;
}

export interface CelCompileOptions {
  /** The variables that the expression may name. */
  readonly variables: Readonly<Record<string, CelType>>;
  /** What it must give; default `bool`. `string-or-null` is for audit annotations. */
  readonly result?: 'bool' | 'string' | 'string-or-null' | 'any';
  /** Adds the `authorizer` library: the variables `authorizer` and `authorizer.requestResource`. */
  readonly authorizer?: boolean;
}

/**
 * How a variable's values are typed.
 *
 * `schema`: fields, lists and maps as the schema says, names escaped as KEP-2876 says, a field that
 * is not declared does not compile. With `resource: true` the value is a custom resource as a whole:
 * of its metadata only name and generateName can be reached.
 *
 * `fields`: an object with just these fields, called as they are (`request`, `variables`,
 * `params`). A value may compute its fields in getters; one is called when the field is read.
 *
 * `optional`: the expression sees an optional, empty where the variable has no value
 * (`optionalOldSelf`).
 *
 * `of`: what another program gives, `program.type`.
 */
export type CelType =
  | { readonly schema: Schema; readonly resource?: boolean }
  | { readonly type: CelTypeName }
  | { readonly fields: Readonly<Record<string, CelType>> }
  | { readonly optional: CelType }
  | { readonly of: CelResultType };

/** `device`: a `CelDevice`, as the selectors of DeviceClasses see one. */
export type CelTypeName = 'dyn' | 'string' | 'bool' | 'int' | 'list' | 'map' | 'device';

/** The type that was found for an expression; `name` as messages write it: `list(string)`. */
export interface CelResultType {
  readonly name: string;
}

export interface CelProgram {
  readonly expression: string;
  /** What it gives, to declare a variable that holds it. */
  readonly type: CelResultType;
  /** Whether a variable is named anywhere in it. */
  mentions(variable: string): boolean;
  /**
   * Synchronous; values are plain JSON data, not changed, or what another program gave.
   * Spends `budget`, of which one call gets `CEL_CALL_COST_MAX` at most.
   * Gives a boolean, string, null, number (double), bigint (int), or an opaque value for lists, maps
   * and others, which may be another program's variable; `Cel.plain` makes JSON data of it.
   * Throws `CelEvaluationError` (no such key, overflow, division by zero …) or `CelCostError`, and
   * nothing else.
   */
  evaluate(
    variables: Readonly<Record<string, unknown>>,
    budget: CelBudget,
    options?: CelEvaluateOptions,
  ): unknown;
}

export interface CelEvaluateOptions {
  /** Answers for the `authorizer` library; without it every check fails. */
  readonly authorizer?: CelAuthorizer | undefined;
  /** What `authorizer.requestResource` stands for: the request's resource. */
  readonly requestResource?: CelRequestResource | undefined;
}

/** What rules may cost, in upstream's cost units; shared by all the programs of one request. */
export interface CelBudget {
  readonly limit: number;
  spent: number;
}

/** Answers `authorizer.group('').resource('pods').check('get').allowed()`; synchronous. */
export type CelAuthorizer = (check: CelAuthorizerCheck) => CelAuthorizerDecision;

export interface CelAuthorizerDecision {
  readonly allowed: boolean;
  readonly reason: string;
  /** What went wrong; then it is not allowed. */
  readonly error?: string | undefined;
}

export interface CelRequestResource {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface CelAuthorizerCheck extends CelRequestResource {
  readonly verb: string;
  /** Of a check of a path; empty for a resource. */
  readonly path: string;
  /** Set by `authorizer.serviceAccount(namespace, name)`. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

/** The message is upstream's; `ERROR: <input>:1:6: undefined field 'foo'` and the lines after. */
export class CelCompileError extends Error {
  override name = 'CelCompileError';
  /**
   * `invalid`: callers write "compilation failed: " before the message. `result`: the expression
   * is right but gives another type, `must evaluate to bool`.
   */
  readonly kind: 'invalid' | 'result';

  constructor(kind: 'invalid' | 'result', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export class CelEvaluationError extends Error {
  override name = 'CelEvaluationError';
}

export class CelCostError extends CelEvaluationError {
  override name = 'CelCostError';
}

/** Cost of one evaluation, upstream's PerCallLimit (apiserver/pkg/apis/cel/config.go). */
export const CEL_CALL_COST_MAX = 1_000_000;
/** Cost of all rules of one custom resource's request, upstream's RuntimeCELCostBudget. */
export const CEL_REQUEST_COST_MAX = 10_000_000;
/** Cost of all match conditions of one webhook, upstream's RuntimeCELCostBudgetMatchConditions. */
export const CEL_MATCH_CONDITIONS_COST_MAX = 2_500_000;
/** Length of an expression in code points, the default of upstream's parser. */
export const CEL_EXPRESSION_LENGTH_MAX = 100_000;
