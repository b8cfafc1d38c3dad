import {
  type Cel,
  CelCompileError,
  type CelCompileOptions,
  type CelResultType,
  type FieldError,
  type FieldPath,
  invalidValue,
  loadCel,
} from 'kernetes/sdk';

/** The language of expressions, once some object needed it. */
export class Expressions {
  #cel: Cel | undefined;

  /** Loads the language; what compiles is synchronous and comes after it. */
  async load(): Promise<void> {
    this.#cel ??= await loadCel();
  }

  check(expression: string, path: FieldPath, options: CelCompileOptions): Checked {
    if (this.#cel === undefined) {
      throw new Error('Cannot compile an expression: the language is not loaded');
    }
    try {
      return { errors: [], type: this.#cel.compile(expression, options).type };
    } catch (error) {
      if (!(error instanceof CelCompileError)) throw error;
      const why = error.kind === 'result' ? error.message : `compilation failed: ${error.message}`;
      const type = this.#cel.compile('dyn(null)', { variables: {}, result: 'any' }).type;
      return { errors: [invalidValue(path, expression, why)], type };
    }
  }
}

export interface Checked {
  readonly errors: FieldError[];
  /** Of what it gives; any, where it is wrong: it is not to be wrong again wherever it is used. */
  readonly type: CelResultType;
}

/** Whether an object says anything that would have to be compiled. */
export function hasExpressions(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, each]) =>
      (typeof each === 'string' && EXPRESSION_FIELDS.has(key)) || hasExpressions(each),
  );
}

const EXPRESSION_FIELDS = new Set(['expression', 'messageExpression', 'valueExpression']);
