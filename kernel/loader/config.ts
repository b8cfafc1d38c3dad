import { Ajv } from 'ajv';
import type { JsonSchema } from '../../sdk/plugin.ts';
import { explain, LoadError } from './manifest.ts';

/** The config with the schema's defaults filled in; throws `LoadError`. Without a schema: as given. */
export function checkConfig(
  plugin: string,
  given: unknown,
  schema: JsonSchema | undefined,
): unknown {
  const config = structuredClone(given ?? {});
  if (schema === undefined) return config;
  const ajv = new Ajv({ useDefaults: true, strict: false });
  let validate: ReturnType<typeof ajv.compile>;
  try {
    validate = ajv.compile(schema);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new LoadError(`Plugin "${plugin}" has a config schema that is none: ${why}`, { cause });
  }
  if (validate(config)) return config;
  throw new LoadError(`The config of plugin "${plugin}" is wrong: ${explain(validate.errors)}`);
}
