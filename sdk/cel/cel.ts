import type { Schema } from '../schema.ts';

/**
 * The Common Expression Language as Kubernetes uses it (KEP-2876, KEP-3488): custom resources'
 * rules, admission policies, webhooks' match conditions. The engine is loaded on first use.
 */
export interface Cel {
  /** Throws `CelCompileError` with the message that upstream's compiler begins with. */
  compile(expression: string, options: CelCompileOptions): CelProgram;
}

export interface CelCompileOptions {
  /** The variables that the expression may name. */
  readonly variables: Readonly<Record<string, CelType>>;
  /** What it must give; default `bool`. */
  readonly result?: 'bool' | 'string' | 'any';
  /** Adds the `authorizer` library. */
  readonly authorizer?: CelAuthorizer;
}

/**
 * How a variable's values are typed. `schema`: fields, lists and maps as the schema says, names
 * escaped as KEP-2876 says, a field that is not declared does not compile.
 */
export type CelType = { readonly schema: Schema } | { readonly type: CelTypeName };

export type CelTypeName = 'dyn' | 'string' | 'bool' | 'int' | 'list' | 'map';

export interface CelProgram {
  readonly expression: string;
  /** Whether a variable is named anywhere in it. */
  mentions(variable: string): boolean;
  /**
   * Synchronous; values are plain JSON data, not changed. Spends `budget`.
   * Throws `CelEvaluationError` (no such key, overflow, division by zero …) or `CelCostError`.
   */
  evaluate(variables: Readonly<Record<string, unknown>>, budget: CelBudget): unknown;
}

/** What rules may cost, in upstream's cost units; shared by all the programs of one request. */
export interface CelBudget {
  readonly limit: number;
  spent: number;
}

/** Answers `authorizer.group('').resource('pods').check('get').allowed()`; synchronous. */
export type CelAuthorizer = (check: CelAuthorizerCheck) => {
  readonly allowed: boolean;
  readonly reason: string;
};

export interface CelAuthorizerCheck {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  /** Set by `authorizer.serviceAccount(namespace, name)`. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

export class CelCompileError extends Error {}
export class CelEvaluationError extends Error {}
export class CelCostError extends CelEvaluationError {}
