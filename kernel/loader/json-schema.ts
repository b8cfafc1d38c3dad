import { Ajv } from 'ajv';
import type { JsonSchema } from '../../sdk/plugin.ts';

/** Says whether data has the schema's form, and fills in the schema's defaults, in place. */
export interface Validate<T = unknown> {
  (data: unknown): data is T;
  /** Of the last call that returned false. */
  errors?: readonly Finding[] | null | undefined;
}

/** What of ajv's findings is told. */
export interface Finding {
  readonly instancePath: string;
  readonly message?: string;
  readonly params: object;
}

/** Throws when the schema is none. A host that starts again brings the same once more. */
export function compileSchema<T = unknown>(schema: JsonSchema): Validate<T> {
  const text = JSON.stringify(schema);
  let validate = compiled.get(text);
  if (validate === undefined) {
    ajv ??= new Ajv(AJV_OPTIONS);
    validate = ajv.compile(schema);
    // Another plugin's may have the same `$id`.
    ajv.removeSchema(schema);
    compiled.set(text, validate);
  }
  return validate as Validate<T>;
}

/** The same, compiled when it is first used: most starts have no file to check. */
export function lazySchema<T>(schema: JsonSchema): () => Validate<T> {
  let validate: Validate<T> | undefined;
  return () => {
    validate ??= compileSchema<T>(schema);
    return validate;
  };
}

/** The first finding as `at/which/field: what is wanted`. */
export function explain(errors: readonly Finding[] | null | undefined): string {
  const [error] = errors ?? [];
  if (error === undefined) return 'it does not match its schema';
  const at = error.instancePath || 'the document';
  const { additionalProperty, allowedValues } = error.params as Record<string, unknown>;
  if (additionalProperty) return `${at} has the unknown field "${String(additionalProperty)}"`;
  if (Array.isArray(allowedValues)) return `${at} must be one of ${allowedValues.join(', ')}`;
  return `${at} ${error.message}`;
}

/** The build compiles built-in plugins' schemas with the same. */
export const AJV_OPTIONS = { useDefaults: true, strict: false } as const;

let ajv: Ajv | undefined;
/** By their text. What ajv has compiled it keeps for ever. */
const compiled = new Map<string, Validate>();
