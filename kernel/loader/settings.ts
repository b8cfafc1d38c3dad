import { LoadError } from './manifest.ts';

/** What the operator set for the whole cluster, by the names that profiles use. */
export type Settings = Readonly<Record<string, Setting>>;
type Setting = string | number | boolean | object;

/**
 * The config with every `$(name)` replaced by the setting of that name, as Kubernetes writes
 * variables. A text that is nothing but one keeps the setting's type; `$$(name)` stands for
 * itself. Throws `LoadError` for a name that there is not.
 */
export function expandSettings(config: unknown, settings: Settings): unknown {
  if (typeof config === 'string') return expandText(config, settings);
  if (Array.isArray(config)) return config.map(item => expandSettings(item, settings));
  if (typeof config !== 'object' || config === null) return config;
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name, expandSettings(value, settings)]),
  );
}

function expandText(text: string, settings: Settings): Setting {
  const whole = /^\$\((\w+)\)$/.exec(text)?.[1];
  if (whole !== undefined) return settingOf(whole, settings);
  return text.replace(/(\$?)\$\((\w+)\)/g, (match, escaped: string, name: string) =>
    escaped ? match.slice(1) : String(settingOf(name, settings)),
  );
}

function settingOf(name: string, settings: Settings): Setting {
  const value = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (value !== undefined) return value;
  const known = Object.keys(settings).join(', ');
  throw new LoadError(`The profile uses the setting "${name}": there are only ${known}`);
}
