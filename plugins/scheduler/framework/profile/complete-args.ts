import type { ValidateFunction } from 'ajv';
import type { JsonSchema } from 'kernetes/sdk';
import type { CompleteArgs } from './instances.ts';

/** Loaded when a profile gives a plugin options: most give none. */
export async function loadCompleteArgs(): Promise<CompleteArgs> {
  const { Ajv } = await import('ajv');
  const compiled = new WeakMap<JsonSchema, ValidateFunction>();
  return (args: unknown, schema: JsonSchema) => {
    // Defaults are only filled into an object that has a place for them.
    const holder = { args };
    const whole = { type: 'object', properties: { args: schema } };
    const ajv = new Ajv({ useDefaults: true, strict: false });
    const validate = compiled.get(schema) ?? ajv.compile(whole);
    compiled.set(schema, validate);
    if (validate(holder)) return holder.args;
    const [error] = validate.errors ?? [];
    const at = error?.instancePath.replace(/^\/args/, '') || 'the whole';
    const { additionalProperty } = (error?.params ?? {}) as { additionalProperty?: string };
    const unknown = additionalProperty && ` "${additionalProperty}"`;
    throw new Error(`its args are wrong: ${at} ${error?.message}${unknown ?? ''}`);
  };
}

/** For schedulers whose profiles give no options. */
export const keepArgs: CompleteArgs = args => args;
