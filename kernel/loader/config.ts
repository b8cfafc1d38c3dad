import type { JsonSchema } from '../../sdk/plugin.ts';
import { compileSchema, explain, type Validate } from './json-schema.ts';
import { LoadError } from './manifest.ts';

/**
 * The config with the schema's defaults filled in; throws `LoadError`. Without a schema: as given.
 * `compiled` is what the schema was compiled to before, if it was.
 */
export function checkConfig(
  plugin: string,
  given: unknown,
  schema: JsonSchema | undefined,
  compiled?: Validate,
): unknown {
  // Cloning anything opens a message channel, and most plugins are given nothing.
  const config = given === undefined || given === null ? {} : structuredClone(given);
  if (schema === undefined) return config;
  const validate = compiled ?? compile(plugin, schema);
  if (validate(config)) return config;
  throw new LoadError(`The config of plugin "${plugin}" is wrong: ${explain(validate.errors)}`);
}

function compile(plugin: string, schema: JsonSchema): Validate {
  try {
    return compileSchema(schema);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new LoadError(`Plugin "${plugin}" has a config schema that is none: ${why}`, { cause });
  }
}
