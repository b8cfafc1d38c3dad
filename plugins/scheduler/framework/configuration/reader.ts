import {
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  required,
  typeInvalid,
} from 'kernetes/sdk';

/**
 * One object of a file that anybody may have written, read field by field. What is wrong is noted
 * and reading goes on, so that all of it is told at once; fields that nobody read are unknown.
 */
export class Reader {
  readonly findings: FieldError[];
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #path: FieldPath | undefined;
  readonly #read = new Set<string>();

  constructor(value: unknown, findings: FieldError[], path?: FieldPath) {
    this.findings = findings;
    this.#path = path;
    if (isObject(value)) this.#value = value;
    else {
      this.#value = {};
      findings.push(typeInvalid(path ?? '', value ?? null, 'must be an object'));
    }
  }

  at(name: string): FieldPath {
    return this.#path ? this.#path.child(name) : fieldPath(name);
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** `null` is as good as absent. */
  raw(name: string): unknown {
    this.#read.add(name);
    return this.#value[name] ?? undefined;
  }

  string(name: string): string | undefined {
    return this.#typed(name, 'must be a string', value => typeof value === 'string');
  }

  boolean(name: string): boolean | undefined {
    return this.#typed(name, 'must be a boolean', value => typeof value === 'boolean');
  }

  integer(name: string): number | undefined {
    return this.#typed(name, 'must be an integer', Number.isSafeInteger);
  }

  strings(name: string): string[] {
    return this.list(name, (value, path) => {
      if (typeof value === 'string') return value;
      this.findings.push(typeInvalid(path, value, 'must be a string'));
      return '';
    });
  }

  /** Undefined where there is none. */
  object(name: string): Reader | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : new Reader(value, this.findings, this.at(name));
  }

  objects(name: string): Reader[] {
    return this.list(name, (value, path) => new Reader(value, this.findings, path));
  }

  list<T>(name: string, each: (value: unknown, path: FieldPath) => T): T[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) {
      return value.map((one: unknown, i) => each(one, this.at(name).index(i)));
    }
    this.findings.push(typeInvalid(this.at(name), value, 'must be a list'));
    return [];
  }

  /** A text that must be there. */
  name(name: string): string {
    const text = this.string(name);
    if (!text) this.findings.push(required(this.at(name)));
    return text ?? '';
  }

  /** An integer, and what is said when it is out of range. */
  integerIn(name: string, [min, max]: readonly [number, number], said: string): number | undefined {
    const value = this.integer(name);
    if (value !== undefined && (value < min || value > max)) {
      this.findings.push(invalidValue(this.at(name), value, said));
    }
    return value;
  }

  /** Known, and of no use here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** The fields that nobody read: somebody else's to check. */
  rest(): Record<string, unknown> {
    const entries = Object.entries(this.#value).filter(([name]) => !this.#read.has(name));
    return Object.fromEntries(entries);
  }

  /** Call it when all known fields were read. */
  end(): void {
    for (const name in this.#value) {
      if (this.#read.has(name)) continue;
      this.findings.push({
        reason: 'FieldValueInvalid',
        field: this.at(name).toString(),
        message: 'unknown field',
      });
    }
  }

  #typed<T>(name: string, wanted: string, isWanted: (value: unknown) => boolean): T | undefined {
    const value = this.raw(name);
    if (value === undefined || isWanted(value)) return value as T | undefined;
    this.findings.push(typeInvalid(this.at(name), value, wanted));
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
