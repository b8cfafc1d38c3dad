import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';
import { runEsbuild } from './esbuild.ts';

/**
 * Makes one script of everything that a host evaluates. A worker cannot start TypeScript, and a
 * confined one can read no files, so the kernel's side bundles, by esbuild, with source map.
 *
 * Entries are evaluated one by one when asked for. Node's modules become calls of `__builtin`,
 * whatever is imported by a computed name calls `require`; both are the host's own. The script has
 * the value of a function that takes what the host hands to its runtime, and runs it. ES module
 * output in an async function gives top-level await without needing a module loader.
 */
export interface Bundle {
  readonly code: string;
  /** Source map, JSON, without the sources' text. */
  readonly map: string;
  /** Of the code. */
  readonly hash: string;
}

export interface BundleEntry {
  /** The plugin's name. */
  readonly name: string;
  readonly file: string;
}

export interface BundleOptions {
  /** Where bundles are kept between runs. Absent: in memory only. */
  readonly cacheDir?: string;
  /** Default: those of the checkout. */
  readonly modules?: SdkModules;
}

/** Files of the running SDK, TypeScript or built. Plugins get these, whatever they bring along. */
export interface SdkModules {
  readonly sdk: string;
  readonly testing: string;
  /** `host-runtime.ts` */
  readonly hostRuntime: string;
}

/** Throws esbuild's errors, which name file, line and what was not found. */
export function bundlePlugins(
  entries: readonly BundleEntry[],
  options: BundleOptions = {},
): Promise<Bundle> {
  const { cacheDir, modules = CHECKOUT } = options;
  const imports = entries.map(
    ({ name, file }) => `${JSON.stringify(name)}: () => import(${JSON.stringify(resolve(file))}),`,
  );
  const contents = `
    import { startRuntime } from ${JSON.stringify(modules.hostRuntime)};
    startRuntime(__takeHost(), { ${imports.join('\n')} });
  `;
  const build = { ...PLUGIN_BUILD, plugins: [resolvePlugin(modules)] };
  return cachedBuild(contents, build, wrapPlugins, cacheDir);
}

/** The host's own scripts: `host-main.ts`, and what starts it in a process. */
export async function bundleHost(cacheDir?: string): Promise<HostCode> {
  const build = (file: string, wrap: (code: string) => string) =>
    cachedBuild(`import ${JSON.stringify(join(POOL_DIR, file))};`, HOST_BUILD, wrap, cacheDir);
  const [host, relay] = await Promise.all([
    build('host-main.ts', wrapHost),
    build('process-relay.ts', code => code),
  ]);
  return { hostCode: host.code, relayCode: relay.code };
}

/** A file with an ES module of its own with what `file` exports, for a `ComputePool`. */
export async function bundleFunctions(file: string, cacheDir: string): Promise<string> {
  const contents = `export * from ${JSON.stringify(resolve(file))};`;
  const { code, hash } = await cachedBuild(contents, FUNCTIONS_BUILD, text => text, cacheDir);
  const path = join(cacheDir, `${hash}.mjs`);
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== code) await writeAtomically(path, code);
  return path;
}

export interface HostCode {
  readonly hostCode: string;
  readonly relayCode: string;
}

const POOL_DIR = dirname(fileURLToPath(import.meta.url));

const CHECKOUT: SdkModules = {
  sdk: resolve(POOL_DIR, '../../sdk/sdk.ts'),
  testing: resolve(POOL_DIR, '../../sdk/testing/testing.ts'),
  hostRuntime: join(POOL_DIR, 'host-runtime.ts'),
};

/** What the entry, which is no file, is called. */
const ENTRY = '<host-entry>';

const COMMON_BUILD = {
  bundle: true,
  write: false,
  metafile: true,
  platform: 'node',
  target: 'node20',
  sourcemap: 'external',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'silent',
  tsconfigRaw: '{}',
  outfile: '/bundle.js',
} as const satisfies BuildOptions;

const HOST_BUILD: BuildOptions = { ...COMMON_BUILD, format: 'cjs' };

const FUNCTIONS_BUILD: BuildOptions = { ...COMMON_BUILD, format: 'esm' };

const PLUGIN_BUILD: BuildOptions = {
  ...COMMON_BUILD,
  format: 'esm',
  // A computed import becomes the host's `require`: the script has no loader.
  supported: { 'dynamic-import': false },
  define: { 'import.meta': '__importMeta' },
};

function wrapHost(code: string): string {
  return `(function (require) {'use strict';const module = { exports: {} };${code}\n})`;
}

/** On one line with the first of the code, so that the source map's lines stay right. */
function wrapPlugins(code: string): string {
  return (
    `(function (__takeHost, __builtin, require, __importMeta) {'use strict';` +
    `return (async () => {${code}\n})();})`
  );
}

/** Finds the SDK, and turns Node's modules and addons into calls of the host. */
function resolvePlugin({ sdk, testing }: SdkModules): Plugin {
  return {
    name: 'kernetes',
    setup(build) {
      build.onResolve({ filter: /^kernetes\/sdk(\/testing)?$/ }, ({ path }) => ({
        path: path === 'kernetes/sdk' ? sdk : testing,
      }));
      build.onResolve({ filter: BUILTIN_FILTER }, ({ path }) => ({
        path: path.replace(/^node:/, ''),
        namespace: 'builtin',
      }));
      build.onResolve({ filter: /\.node$/ }, ({ path }) => ({ path, namespace: 'addon' }));
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = __builtin(${JSON.stringify(path)});`,
      }));
      build.onLoad({ filter: /.*/, namespace: 'addon' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)});`,
      }));
    },
  };
}

const BUILTIN_FILTER = new RegExp(
  `^(node:.*|(${builtinModules.filter(name => !name.startsWith('_')).join('|')}))$`,
);

/** By content of the entry, and of every file that went in. */
const MEMORY = new Map<string, CacheEntry>();

interface CacheEntry extends Bundle {
  /** File -> hash of its content when it was bundled. */
  readonly inputs: Readonly<Record<string, string>>;
}

async function cachedBuild(
  contents: string,
  options: BuildOptions,
  wrap: (code: string) => string,
  cacheDir: string | undefined,
): Promise<Bundle> {
  const key = sha256(JSON.stringify([contents, options, wrap('')]));
  const file = cacheDir && join(cacheDir, `${key}.json`);
  const kept = MEMORY.get(key) ?? (file && (await readCache(file)));
  if (kept && (await isFresh(kept))) {
    MEMORY.set(key, kept);
    return kept;
  }
  const entry = await build(contents, options, wrap);
  MEMORY.set(key, entry);
  if (file) await writeAtomically(file, JSON.stringify(entry));
  return entry;
}

async function build(
  contents: string,
  options: BuildOptions,
  wrap: (code: string) => string,
): Promise<CacheEntry> {
  const stdin = { contents, resolveDir: POOL_DIR, sourcefile: ENTRY };
  const result = await runEsbuild({ ...options, stdin, absWorkingDir: '/' });
  const [map, script] = result.outputFiles ?? [];
  if (!map || !script) throw new Error('Cannot bundle: esbuild gave no output');
  const code = wrap(script.text);
  const inputs: Record<string, string> = {};
  for (const input of Object.keys(result.metafile?.inputs ?? {})) {
    if (input.includes(':') || input.endsWith(ENTRY)) continue;
    const path = resolve('/', input);
    inputs[path] = sha256(await readFile(path));
  }
  return { code, map: map.text, hash: sha256(code), inputs };
}

async function isFresh({ inputs }: CacheEntry): Promise<boolean> {
  const fresh = await Promise.all(
    Object.entries(inputs).map(async ([path, hash]) => {
      const content = await readFile(path).catch(() => undefined);
      return content !== undefined && sha256(content) === hash;
    }),
  );
  return fresh.every(Boolean);
}

/** Undefined when there is none, or none that can be read: then it is made anew. */
async function readCache(file: string): Promise<CacheEntry | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as CacheEntry;
  } catch {
    return undefined;
  }
}

/** Under another name first: others, in this process too, may write the same. */
async function writeAtomically(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  filesWritten++;
  const partial = `${file}.${process.pid}.${filesWritten}`;
  await writeFile(partial, text);
  await rename(partial, file);
}

let filesWritten = 0;

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
