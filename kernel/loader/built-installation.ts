import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PluginDefinition } from '../../sdk/plugin.ts';
import type { HostCode } from '../pool/bundle.ts';
import type { GroupBundle, Installation } from './installation.ts';
import type { Validate } from './json-schema.ts';
import type { Manifest } from './manifest.ts';
import type { Profile } from './profile.ts';
import type { Builtins } from './sources.ts';

/** What the build knows; data and modules of the package, so that a start reads few files. */
export interface Catalogue {
  readonly manifests: readonly Manifest[];
  readonly profile: Profile;
  /** Host groups that are bundled: their plugins, joined by commas, to the script's name. */
  readonly groups: Readonly<Record<string, string>>;
  /** By the names of the plugins that have a config schema. */
  readonly validators: Readonly<Record<string, Validate>>;
  /** Loads a plugin's module into this thread. */
  readonly load: (name: string) => Promise<{ readonly default: PluginDefinition }>;
}

/** The built package in `folder`; see `kernel/cli/build.ts` for what lies there. */
export function builtInstallation(catalogue: Catalogue, folder: string): Installation {
  const { profile, groups } = catalogue;
  const read = (file: string) => readFile(join(folder, 'hosts', file), 'utf8');
  return {
    builtins: packedBuiltins(catalogue, folder),
    profile: () => profile,
    modules: {
      sdk: join(folder, 'sdk.js'),
      testing: join(folder, 'testing.js'),
      hostRuntime: join(folder, 'host-runtime.js'),
    },
    async hostCode(): Promise<HostCode> {
      const [hostCode, relayCode] = await Promise.all([read('host.js'), read('relay.js')]);
      return { hostCode, relayCode };
    },
    groupBundle(plugins) {
      const name = groups[plugins.join()];
      return name === undefined ? undefined : readBundle(join(folder, 'hosts'), name);
    },
  };
}

/** The map is for stacks of errors only: it stays on the disk until there is one. */
async function readBundle(folder: string, name: string): Promise<GroupBundle> {
  const file = join(folder, `${name}.js`);
  return { code: await readFile(file, 'utf8'), map: () => readFileSync(`${file}.map`, 'utf8') };
}

function packedBuiltins({ manifests, validators, load }: Catalogue, folder: string): Builtins {
  const byName = new Map(manifests.map(manifest => [manifest.name, manifest]));
  return {
    names: () => [...byName.keys()],
    get(name) {
      const manifest = byName.get(name);
      if (manifest === undefined) return undefined;
      const validateConfig = validators[name];
      return {
        manifest,
        origin: 'builtin',
        root: folder,
        file: join(folder, 'plugins', `${name}.js`),
        ...(validateConfig && { validateConfig }),
        load: async () => (await load(name)).default,
      };
    },
  };
}
