import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PluginDefinition } from '../../sdk/plugin.ts';
import type { Validate } from './json-schema.ts';
import { LoadError, MANIFEST, type Manifest, readManifest } from './manifest.ts';
import type { ProfileEntry } from './profile.ts';

/** A plugin before any of its code is read: what it says of itself and where its code is. */
export interface PluginSource {
  readonly manifest: Manifest;
  readonly origin: 'builtin' | 'folder' | 'file' | 'package' | 'object';
  /** The folder that it may read: its own. */
  readonly root: string;
  /** The entry module; absent for one that came as an object. */
  readonly file?: string;
  /** What its config schema was compiled to when the program was built. */
  readonly validateConfig?: Validate;
  /** Loads it into the kernel's thread. */
  readonly load: () => Promise<PluginDefinition>;
}

/** The plugins that come with the program. */
export interface Builtins {
  get(name: string): PluginSource | undefined;
  names(): readonly string[];
}

/** Loads an entry module of somebody else's into this thread; injected: it may have to bundle. */
export type ImportEntry = (file: string) => Promise<unknown>;

/** Built-in plugins as they lie in a checkout: `plugins/<kind>/<name>/plugin.yaml`. */
export function checkoutBuiltins(folder: string): Builtins {
  const folders = new Map<string, string>();
  for (const kind of foldersIn(folder)) {
    for (const name of foldersIn(join(folder, kind))) {
      const root = join(folder, kind, name);
      if (existsSync(join(root, MANIFEST))) folders.set(`${kind}.${name}`, root);
    }
  }
  return {
    names: () => [...folders.keys()],
    get(name) {
      const root = folders.get(name);
      return root === undefined ? undefined : folderSource(root, 'builtin', importModule);
    },
  };
}

/** Finds the plugin that a profile's entry means; throws `LoadError`. */
export function findSource(
  entry: ProfileEntry,
  builtins: Builtins,
  importEntry: ImportEntry,
): PluginSource {
  if (entry.name !== undefined) {
    const source = builtins.get(entry.name);
    if (source !== undefined) return source;
    throw new LoadError(
      `There is no built-in plugin "${entry.name}": see the folder "plugins" for what there is`,
    );
  }
  if (entry.path !== undefined) return pathSource(entry.path, importEntry);
  return packageSource(entry.package ?? '', importEntry);
}

/** A definition that the embedding program made: it needs no manifest. */
export function objectSource(definition: PluginDefinition): PluginSource {
  return {
    manifest: bareManifest(definition.name, ''),
    origin: 'object',
    root: process.cwd(),
    load: async () => definition,
  };
}

function pathSource(path: string, importEntry: ImportEntry): PluginSource {
  if (!existsSync(path))
    throw new LoadError(`Cannot load the plugin ${path}: there is no such file`);
  if (statSync(path).isDirectory()) return folderSource(path, 'folder', importEntry);
  if (!ENTRY_EXTENSIONS.has(extname(path))) {
    const known = [...ENTRY_EXTENSIONS].join(', ');
    throw new LoadError(
      `Cannot load the plugin ${path}: it is no folder and ends in none of ${known}`,
    );
  }
  const name = basename(path, extname(path));
  return {
    manifest: bareManifest(name, basename(path)),
    origin: 'file',
    root: dirname(path),
    file: path,
    load: async () => checkDefinition(await importEntry(path), path),
  };
}

function folderSource(
  root: string,
  origin: 'builtin' | 'folder' | 'package',
  importEntry: ImportEntry,
): PluginSource {
  const manifest = readManifest(join(root, MANIFEST));
  const file = resolve(root, manifest.entry);
  if (!existsSync(file)) {
    throw new LoadError(`Cannot load the plugin ${root}: its entry ${manifest.entry} is not there`);
  }
  const load = async () => checkDefinition(await importEntry(file), file);
  return { manifest, origin, root, file, load };
}

function packageSource(name: string, importEntry: ImportEntry): PluginSource {
  const require = createRequire(join(process.cwd(), 'package.json'));
  let manifest: string;
  try {
    manifest = require.resolve(`${name}/${MANIFEST}`);
  } catch (cause) {
    throw new LoadError(
      `Cannot load the plugin package "${name}": ${MANIFEST} of it is not found`,
      {
        cause,
      },
    );
  }
  return folderSource(dirname(manifest), 'package', importEntry);
}

/** What a module must default-export to be a plugin; throws `LoadError`. */
export function checkDefinition(module: unknown, file: string): PluginDefinition {
  const definition = (module as { default?: unknown } | undefined)?.default;
  const { name, activate } = (definition ?? {}) as Partial<PluginDefinition>;
  if (typeof name === 'string' && typeof activate === 'function') {
    return definition as PluginDefinition;
  }
  throw new LoadError(`Cannot load the plugin ${file}: its default export is no plugin definition`);
}

function bareManifest(name: string, entry: string): Manifest {
  return { name, version: '0.0.0', sdk: '*', entry, needs: [], provides: [], permissions: {} };
}

function importModule(file: string): Promise<unknown> {
  return import(pathToFileURL(file).href);
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(each => each.isDirectory())
    .map(each => each.name)
    .sort();
}

const ENTRY_EXTENSIONS = new Set(['.ts', '.mts', '.js', '.mjs']);
