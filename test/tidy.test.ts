import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { checkConfig } from '../kernel/loader/config.ts';
import { checkManifest, readManifest } from '../kernel/loader/manifest.ts';
import { checkProfile, type ProfileEntry, readProfile } from '../kernel/loader/profile.ts';
import { expandSettings } from '../kernel/loader/settings.ts';
import { checkoutBuiltins, type PluginSource } from '../kernel/loader/sources.ts';
import { DEFINITIONS_JSON } from '../sdk/api/definitions.ts';
import type { SchemaDefinition } from '../sdk/schema.ts';
import { FILES_OVER_300_LINES } from './tidy-sizes.ts';

/** What reviewers would otherwise have to say again and again. */
const ROOT = join(import.meta.dirname, '..');
const PARTS = ['kernel', 'sdk', 'plugins', 'examples', 'test'];

interface Source {
  /** Relative to the root. */
  readonly path: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  readonly isTest: boolean;
}

const SOURCES: readonly Source[] = PARTS.flatMap(part => filesBelow(part))
  .filter(path => path.endsWith('.ts') && !path.includes('/testdata/'))
  .map(path => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const code = text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`\w/])\/\/.*$/gm, '');
    return { path, text, code, isTest: isTestFile(path) };
  });
const PRODUCT = SOURCES.filter(
  ({ path, isTest }) => !isTest && /^(kernel|sdk|plugins)\//.test(path),
);
const GENERATED = /^sdk\/api\//;
const BUILTINS = checkoutBuiltins(join(ROOT, 'plugins'));
const PLUGINS = BUILTINS.names().map(name => BUILTINS.get(name) as PluginSource);

test('imports point one way: plugins and kernel to the SDK, and no plugin to another', () => {
  const wrong = SOURCES.flatMap(source =>
    importsOf(source)
      .filter(target => !mayImport(source, target))
      .map(target => `${source.path} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('the kernel names no kind', () => {
  const kinds = kindNames();
  const wrong = PRODUCT.filter(({ path }) => path.startsWith('kernel/')).flatMap(({ path, code }) =>
    [...code.matchAll(/\b[A-Z]\w+\b/g)]
      .map(([word]) => word)
      .filter(word => kinds.has(word))
      .map(word => `${path} names ${word}`),
  );
  assert.deepEqual([...new Set(wrong)], []);
});

test('nothing asks the machine for time or chance but the files for it', () => {
  const own = new Set(['kernel/clock.ts', 'kernel/random.ts']);
  const banned =
    /\bDate\.now\(|\bMath\.random\(|(?<![.\w])(?:setTimeout|setInterval)\((?!\)|callback)|\bperformance\.now\(|\bnew Date\(\)/;
  const wrong = PRODUCT.filter(
    ({ path, code }) => !own.has(path) && banned.test(code.replace(/`[^`]*`/g, '``')),
  );
  assert.deepEqual(pathsOf(wrong), []);
});

test('files have names that say something, in kebab-case', () => {
  const vague = /^(utils?|helpers?|common|misc|index)$/;
  const wrong = SOURCES.flatMap(({ path }) =>
    path
      .split('/')
      .map(part => part.replace(/(\.\w+)?\.ts$/, ''))
      .filter(part => vague.test(part) || !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(part))
      .map(part => `${path}: ${part}`),
  );
  assert.deepEqual(wrong, []);
});

test('nothing is left to do without a number', () => {
  const wrong = SOURCES.filter(
    ({ path, text }) =>
      path !== 'test/tidy.test.ts' && /\bFIXME\b|\bXXX\b|\bTODO\b(?!\(#\d+\))/.test(text),
  );
  assert.deepEqual(pathsOf(wrong), []);
});

test('the list of files over 300 lines only shrinks', () => {
  const large = PRODUCT.filter(
    ({ path, text }) => !GENERATED.test(path) && text.split('\n').length - 1 > 300,
  );
  assert.deepEqual(pathsOf(large).sort(), [...FILES_OVER_300_LINES].sort());
});

test('every file is used', () => {
  const texts = PARTS.flatMap(part => filesBelow(part))
    .filter(path => /\.(ts|sh|mjs|json|yaml)$/.test(path) && !path.includes('/testdata/v'))
    .concat('package.json', '.ci/run', 'tsconfig.json')
    .map(path => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
  const isEntry = ({ path }: Source) =>
    /(\.test|\.bench|\.types)\.ts$|^plugins\/[^/]+\/[^/]+\/plugin\.ts$|^examples\//.test(path);
  const dead = SOURCES.filter(source => !isEntry(source)).filter(
    ({ path }) => !texts.some(other => other.path !== path && other.text.includes(basename(path))),
  );
  assert.deepEqual(pathsOf(dead), []);
});

const HEADINGS = ['Description', 'Configuration', 'Extension points', 'Metrics', 'Examples'];
const OPTIONAL = new Set(['Metrics']);

for (const source of PLUGINS) {
  const { manifest, root = '', file = '' } = source;

  test(`${manifest.name} is named like its folder and has a README in the usual order`, () => {
    assert.equal(relative(join(ROOT, 'plugins'), root).replace('/', '.'), manifest.name);
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const prose = readme.replace(/^```[\s\S]*?^```/gm, '');
    const found = [...prose.matchAll(/^(#+) (.*)$/gm)].map(
      ([, level, title]) => `${level} ${title}`,
    );
    const wanted = HEADINGS.filter(each => !OPTIONAL.has(each) || found.includes(`## ${each}`));
    assert.deepEqual(found, [`# ${manifest.name}`, ...wanted.map(each => `## ${each}`)]);
  });

  test(`${manifest.name} says the same name in its code and needs plugins that there are`, async () => {
    const module = (await import(file)) as { default: { name: string } };
    // A scheduler plugin has upstream's name, which events and profiles tell.
    const { name } = module.default;
    assert.ok(
      name === manifest.name || (/^scheduler\./.test(manifest.name) && /^[A-Z]/.test(name)),
    );
    for (const need of manifest.needs) assert.ok(BUILTINS.get(need), need);
  });

  test(`${manifest.name} has examples that are right`, async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    for (const [, example = ''] of readme.matchAll(/^```yaml\n([\s\S]*?)^```/gm)) {
      for (const document of parseAllDocuments(example)) await checkExample(document.toJS());
    }
  });
}

/** What the default profile leaves out, as upstream's does. */
const OPT_IN = [
  'admission.always-pull-images',
  'admission.deny-service-external-ips',
  'admission.extended-resource-toleration',
  'admission.limit-pod-hard-anti-affinity-topology',
  'admission.pod-node-selector',
  'controller.node-routes',
  'node.linux-routes',
  'node.sim-devices',
];

test('the default profile has every plugin once, but those of choice, with a config that is right', async () => {
  const { plugins } = readProfile(join(ROOT, 'plugins/profile.yaml'));
  const names = plugins.map(({ name }) => name ?? '');
  // The program finds commands by their names.
  const loaded = BUILTINS.names().filter(name => !name.startsWith('command.'));
  assert.deepEqual([...names, ...OPT_IN].sort(), loaded.sort());
  for (const entry of plugins) await checkEntry(entry);
});

/** They make what a cluster begins with, elections among it, and change nothing that is as wanted. */
const NOT_ELECTED = ['bootstrap', 'flowcontrol-bootstrap', 'rbac-bootstrap'];

test('of several processes one runs the controllers, but those that all begin with', async () => {
  const names = BUILTINS.names().filter(name => name.startsWith('controller.'));
  const notElected: string[] = [];
  for (const name of names) {
    const definition = await BUILTINS.get(name)?.load();
    if (!definition?.leader) notElected.push(name.slice('controller.'.length));
  }
  assert.deepEqual(notElected.sort(), NOT_ELECTED);
});

/** A profile, a manifest, or an object of the API, which other tests apply. */
async function checkExample(data: unknown): Promise<void> {
  const example = data as {
    plugins?: unknown;
    sdk?: unknown;
    apiVersion?: unknown;
    kind?: unknown;
  };
  if (example.apiVersion !== undefined) assert.ok(example.kind);
  else if (example.sdk !== undefined) checkManifest(data, 'example');
  else for (const entry of checkProfile(data, 'example').plugins) await checkEntry(entry);
}

async function checkEntry({ name, config }: ProfileEntry): Promise<void> {
  if (name === undefined) return;
  const source = BUILTINS.get(name);
  assert.ok(source, `There is no plugin ${name}`);
  const definition = await source.load();
  checkConfig(name, expandSettings(config, SETTINGS), definition.config);
}

/** What the command line says by default. */
const SETTINGS = {
  nodes: 3,
  serviceCidr: '10.96.0.0/16',
  podNetworkCidr: '10.244.0.0/16',
  nodeCidrMaskSize: 24,
  advertiseAddress: '127.0.0.1',
  advertisePort: 6443,
  version: 'v1.32.0',
  release: 0,
  auditPolicyFile: '',
  auditLogPath: '',
  auditLogMaxSize: 0,
  auditLogMaxBackup: 0,
  tokenAuthFile: '',
  schedulerConfig: {},
  serviceAccountSigningKeyFile: '',
  pkiFolder: '',
};

function mayImport({ path, isTest }: Source, target: string): boolean {
  const [part = ''] = path.split('/');
  if (!target.startsWith('.')) {
    if (!target.startsWith('kernetes')) return true;
    return part !== 'kernel' && part !== 'sdk' && (target !== 'kernetes' || part !== 'plugins');
  }
  const full = relative(ROOT, resolve(ROOT, dirname(path), target));
  // What was recorded from a real server, many tests go by.
  if (isTest && full.startsWith('test/testdata/')) return true;
  if (part === 'plugins') return full.startsWith(path.split('/').slice(0, 3).join('/'));
  if (part === 'sdk') return full.startsWith('sdk/');
  if (part === 'kernel') return /^(kernel|sdk)\//.test(full);
  return isTest;
}

function importsOf({ code }: Source): string[] {
  const pattern =
    /^(?:import|export)\s[^'"`;()]*?from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm;
  return [...code.matchAll(pattern)].map(match => match.slice(1).find(Boolean) ?? '');
}

/** Of Kubernetes, without the API machinery's own, which every server has. */
function kindNames(): Set<string> {
  const definitions = JSON.parse(DEFINITIONS_JSON) as Record<string, SchemaDefinition>;
  const names = Object.values(definitions).flatMap(definition =>
    (definition['x-kubernetes-group-version-kind'] ?? []).map(({ kind }) => kind),
  );
  return new Set(names.filter(kind => !MACHINERY.has(kind)));
}

/** And some words that mean something else too: what the program runs on, the web's events. */
const MACHINERY = new Set([
  'Status',
  'DeleteOptions',
  'WatchEvent',
  'APIGroup',
  'List',
  'Node',
  'Event',
  'Role',
]);

function isTestFile(path: string): boolean {
  return (
    /(\.test|\.bench|\.types|-testing|-conformance|-child|-model)\.ts$/.test(path) ||
    /^(test|examples)\//.test(path) ||
    path.startsWith('sdk/testing/')
  );
}

function filesBelow(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)));
}

function pathsOf(sources: readonly { readonly path: string }[]): string[] {
  return sources.map(({ path }) => path);
}

test('manifests are readable by themselves', () => {
  for (const { root } of PLUGINS) assert.ok(readManifest(join(root, 'plugin.yaml')).version);
});
