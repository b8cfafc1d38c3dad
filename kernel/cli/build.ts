import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { type Profile, type ProfileEntry, readProfile } from '../loader/profile.ts';
import { checkoutBuiltins, type PluginSource } from '../loader/sources.ts';
import { bundleHost, bundlePlugins } from '../pool/bundle.ts';
import { type CatalogueParts, catalogue } from './build-catalogue.ts';
import { pruneTypes } from './build-types.ts';

/**
 * Makes the package's `dist/` of the checkout:
 *
 *   cluster.js sdk.js testing.js   the public entries; they share chunks, and so their classes
 *   kernetes.js                    the command
 *   yaml-thread.js                 the script of a thread of the server's
 *   host-runtime.js                what plugins of others are bundled with for their hosts
 *   plugins/<name>.js              each built-in plugin, for hosts with groups of one's own
 *   hosts/                         the scripts of hosts, and of the default profile's groups
 *   types/                         declarations of the public entries, with `--types`
 *   built                          the last file: it is newer than the sources it was made of
 *
 * Packages written in JavaScript are bundled, since loading their many files takes most of a
 * start; `THIRD-PARTY-LICENSES` has their terms.
 */
async function main(): Promise<void> {
  const out = join(ROOT, `.dist-${process.pid}`);
  const builtins = checkoutBuiltins(join(ROOT, 'plugins'));
  const profile = readProfile(join(ROOT, 'plugins', 'profile.yaml'));
  const sources = builtins.names().flatMap(name => builtins.get(name) ?? []);
  try {
    await mkdir(join(out, 'hosts'), { recursive: true });
    const groups = await buildHosts(out, profile, sources);
    const metafiles = await Promise.all([
      buildProgram(out, { root: ROOT, profile, sources, groups }),
      buildPlugins(out, sources),
    ]);
    if (process.argv.includes('--types')) emitTypes(out);
    await writeFile(join(out, 'THIRD-PARTY-LICENSES'), licensesOf(metafiles));
    await writeFile(join(out, 'built'), '');
    await rm(join(ROOT, 'dist'), { recursive: true, force: true });
    await rename(out, join(ROOT, 'dist'));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

async function buildProgram(out: string, parts: CatalogueParts): Promise<Metafile> {
  const { metafile } = await build({
    ...COMMON,
    outdir: out,
    splitting: true,
    entryPoints: [
      { in: 'kernel/cluster.ts', out: 'cluster' },
      { in: 'sdk/sdk.ts', out: 'sdk' },
      { in: 'sdk/testing/testing.ts', out: 'testing' },
      { in: 'kernel/pool/host-runtime.ts', out: 'host-runtime' },
      { in: 'kernel/cli/main.ts', out: 'kernetes' },
      { in: 'plugins/api/http/yaml-thread.ts', out: 'yaml-thread' },
    ],
    chunkNames: 'chunk-[hash]',
    plugins: [sdkOfCheckout(), withoutUnused(), await catalogue(parts)],
  });
  return metafile;
}

/** Each by itself but for the SDK, which its host's bundle will hold. */
async function buildPlugins(out: string, sources: readonly PluginSource[]): Promise<Metafile> {
  const { metafile } = await build({
    ...COMMON,
    outdir: join(out, 'plugins'),
    entryPoints: sources.map(({ manifest, file = '' }) => ({ in: file, out: manifest.name })),
    external: [...(COMMON.external ?? []), 'kernetes/sdk', 'kernetes/sdk/testing'],
  });
  return metafile;
}

/** Bundles the default profile's groups; returns their plugins, joined by commas, and names. */
async function buildHosts(
  out: string,
  { plugins }: Profile,
  sources: readonly PluginSource[],
): Promise<Record<string, string>> {
  const { hostCode, relayCode } = await bundleHost();
  await writeFile(join(out, 'hosts', 'host.js'), hostCode);
  await writeFile(join(out, 'hosts', 'relay.js'), relayCode);
  const fileOf = new Map(sources.map(({ manifest, file = '' }) => [manifest.name, file]));
  const groupOf = ({ placement }: ProfileEntry) => placement?.split(':')[1];
  const groups: Record<string, string> = {};
  for (const group of new Set(plugins.map(groupOf))) {
    if (group === undefined) continue;
    const members = plugins.filter(entry => groupOf(entry) === group);
    const names = members.map(({ name = '' }) => name);
    const bundle = await bundlePlugins(names.map(name => ({ name, file: fileOf.get(name) ?? '' })));
    await writeFile(join(out, 'hosts', `${group}.js`), bundle.code);
    await writeFile(join(out, 'hosts', `${group}.js.map`), withoutRoot(bundle.map));
    groups[names.join()] = group;
  }
  return groups;
}

/** Stacks should name the files of the checkout, not where it lay. */
function withoutRoot(map: string): string {
  const parsed = JSON.parse(map) as { sources: string[] };
  const sources = parsed.sources.map(source => relative(ROOT, resolve('/', source)));
  return JSON.stringify({ ...parsed, sources });
}

/** Plugins and the kernel import the SDK by two names: it must be one module. */
function sdkOfCheckout(): Plugin {
  return {
    name: 'sdk',
    setup(build) {
      build.onResolve({ filter: /^kernetes\/sdk(\/testing)?$/ }, ({ path }) => ({
        path: join(ROOT, path === 'kernetes/sdk' ? 'sdk/sdk.ts' : 'sdk/testing/testing.ts'),
      }));
    },
  };
}

/** What the metrics library loads for features that nobody here uses: HTTP, and eighty files. */
function withoutUnused(): Plugin {
  const unused =
    /node_modules\/(@opentelemetry\/api\/|prom-client\/lib\/(pushgateway|defaultMetrics|cluster)\.js$)/;
  return {
    name: 'without-unused',
    setup(build) {
      build.onLoad({ filter: unused }, () => ({ contents: '' }));
    },
  };
}

function emitTypes(out: string): void {
  const types = join(out, 'types');
  const tsc = createRequire(import.meta.url).resolve('typescript/package.json');
  const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly'];
  const args = ['-p', ROOT, ...flags, '--rootDir', ROOT, '--outDir', types];
  execFileSync(process.execPath, [join(dirname(tsc), 'bin/tsc'), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  pruneTypes(types, ['kernel/cluster.d.ts', 'sdk/sdk.d.ts', 'sdk/testing/testing.d.ts']);
}

/** The terms of every package that went into a bundle. */
function licensesOf(metafiles: readonly Metafile[]): string {
  const folders = new Set<string>();
  for (const input of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
    const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (folder) folders.add(join(ROOT, folder));
  }
  const texts = [...folders].sort().map(folder => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Record<string, string>;
    const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each));
    const terms = file ? readFileSync(join(folder, file), 'utf8').trim() : license;
    return `${name} ${version} (${license})\n\n${terms}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  // With native code, or only for some: they are found in node_modules when they are needed.
  external: ['lmdb', 'esbuild', '@grpc/grpc-js', '@grpc/proto-loader', 'piscina'],
  banner: {
    // CommonJS packages ask for Node's modules by it. Made when it is first called: in a confined
    // host, where the SDK is bundled with plugins, it may not be made at all.
    js:
      'import { createRequire as __createRequire } from "node:module";' +
      'const require = id => __createRequire(import.meta.url)(id);',
  },
} as const satisfies BuildOptions;

await main();
