import {
  type Cel,
  CelCompileError,
  compileDeviceSelector,
  DEVICE_SELECTOR_LENGTH_MAX,
  type DeviceSelector,
  type FieldError,
  type FieldPath,
  invalidValue,
  loadCel,
  required,
  tooLong,
} from 'kernetes/sdk';
import { validateList } from './lists.ts';

const SELECTORS_MAX = 32;

/** The language of selectors, once some object needed it. */
export class Selectors {
  #cel: Cel | undefined;

  /** Loads the language; what compiles is synchronous and comes after it. */
  async load(): Promise<void> {
    this.#cel ??= await loadCel();
  }

  validate(selectors: readonly DeviceSelector[] | undefined, path: FieldPath): FieldError[] {
    return validateList(selectors, { max: SELECTORS_MAX, path }, ({ cel }, at) => {
      if (cel === undefined) return [required(at.child('cel'))];
      return this.#compile(cel.expression ?? '', at.child('cel', 'expression'));
    });
  }

  #compile(expression: string, path: FieldPath): FieldError[] {
    if (Buffer.byteLength(expression) > DEVICE_SELECTOR_LENGTH_MAX) {
      return [tooLong(path, DEVICE_SELECTOR_LENGTH_MAX)];
    }
    if (this.#cel === undefined) {
      throw new Error('Cannot compile a selector: the language is not loaded');
    }
    try {
      compileDeviceSelector(this.#cel, expression);
      return [];
    } catch (error) {
      if (!(error instanceof CelCompileError)) throw error;
      const why = error.kind === 'result' ? error.message : `compilation failed: ${error.message}`;
      return [invalidValue(path, expression, why)];
    }
  }
}

/** Whether an object says anything that would have to be compiled. */
export function hasSelectors(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, each]) => key === 'selectors' || hasSelectors(each));
}
