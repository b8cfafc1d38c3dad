import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import type { Plugin } from 'esbuild';
import { AJV_OPTIONS } from '../loader/json-schema.ts';
import type { Manifest } from '../loader/manifest.ts';
import type { Profile } from '../loader/profile.ts';
import type { PluginSource } from '../loader/sources.ts';

export interface CatalogueParts {
  /** Of the checkout. */
  readonly root: string;
  readonly profile: Profile;
  readonly sources: readonly PluginSource[];
  /** Plugins, joined by commas -> the group of which there is a bundle. */
  readonly groups: Readonly<Record<string, string>>;
}

/** Puts the built installation in the place of the checkout's. */
export async function catalogue(parts: CatalogueParts): Promise<Plugin> {
  const { root, profile, sources } = parts;
  const validators = await compileConfigs(sources);
  const placed = new Set(
    profile.plugins.filter(({ placement }) => placement).map(({ name }) => name ?? ''),
  );
  const isCommand = ({ manifest }: PluginSource) => manifest.name.startsWith('command.');
  const commands = sources.filter(isCommand);
  const inline = sources.filter(each => !placed.has(each.manifest.name) && !isCommand(each));
  const hosted = sources.filter(({ manifest }) => placed.has(manifest.name));
  const contents: Record<string, string> = {
    installation: installationModule(parts, { hosted: [...placed], commands, validators }),
    inline: definitionsModule(inline),
    hosted: definitionsModule(hosted),
    validators: validators.code,
    ...Object.fromEntries(commands.map(each => [each.manifest.name, definitionsModule([each])])),
  };
  return {
    name: 'catalogue',
    setup(build) {
      build.onResolve({ filter: /\/installation\.ts$/ }, () => ({
        path: 'installation',
        namespace: 'catalogue',
      }));
      build.onResolve({ filter: /^catalogue:/ }, ({ path }) => ({
        path: path.slice('catalogue:'.length),
        namespace: 'catalogue',
      }));
      build.onLoad({ filter: /.*/, namespace: 'catalogue' }, ({ path }) => ({
        contents: contents[path] ?? '',
        resolveDir: root,
      }));
    },
  };
}

interface Validators {
  readonly code: string;
  /** Plugin -> what the code exports for it. */
  readonly exports: ReadonlyMap<string, string>;
}

/** Compiles the config schemas: doing that for all at each start would double it. */
async function compileConfigs(sources: readonly PluginSource[]): Promise<Validators> {
  const ajv = new Ajv({ ...AJV_OPTIONS, code: { source: true, esm: true } });
  const exports = new Map<string, string>();
  const refs: Record<string, string> = {};
  // Plugins with the same schema have one function: the code would declare it for each of them.
  const byText = new Map<string, string>();
  for (const [i, { manifest, load }] of sources.entries()) {
    const { config } = await load();
    if (config === undefined) continue;
    const text = JSON.stringify(config);
    const exported = byText.get(text) ?? `config${i}`;
    exports.set(manifest.name, exported);
    if (byText.has(text)) continue;
    byText.set(text, exported);
    ajv.addSchema(config, manifest.name);
    refs[exported] = manifest.name;
  }
  return { code: standaloneCode.default(ajv, refs), exports };
}

interface InstallationParts {
  readonly hosted: readonly string[];
  readonly commands: readonly PluginSource[];
  readonly validators: Validators;
}

function installationModule(
  { profile, sources, groups }: CatalogueParts,
  { hosted, commands, validators: { exports } }: InstallationParts,
): string {
  const commandEntries = commands.map(({ manifest: { name } }) => {
    return `${JSON.stringify(name)}: () => import('catalogue:${name}'),`;
  });
  const validatorEntries = [...exports].map(
    ([name, exported]) => `${JSON.stringify(name)}: validators.${exported},`,
  );
  const manifests: Manifest[] = sources.map(({ manifest }) => manifest);
  return `
    import { dirname } from 'node:path';
    import { fileURLToPath } from 'node:url';
    import { builtInstallation } from './kernel/loader/built-installation.ts';
    import * as validators from 'catalogue:validators';
    const hosted = new Set(${JSON.stringify(hosted)});
    const commands = { ${commandEntries.join(' ')} };
    const catalogue = {
      validators: { ${validatorEntries.join(' ')} },
      manifests: ${JSON.stringify(manifests)},
      profile: ${JSON.stringify(profile)},
      groups: ${JSON.stringify(groups)},
      async load(name) {
        const inline = () => import('catalogue:inline');
        const all = hosted.has(name) ? () => import('catalogue:hosted') : (commands[name] ?? inline);
        return { default: (await all()).definitions[name] };
      },
    };
    export function installation() {
      return builtInstallation(catalogue, dirname(fileURLToPath(import.meta.url)));
    }
  `;
}

function definitionsModule(sources: readonly PluginSource[]): string {
  const imports = sources.map(({ file }, i) => `import p${i} from ${JSON.stringify(file)};`);
  const entries = sources.map(({ manifest }, i) => `${JSON.stringify(manifest.name)}: p${i},`);
  return `${imports.join('\n')}\nexport const definitions = { ${entries.join('\n')} };`;
}
