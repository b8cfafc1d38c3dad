import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

/**
 * The package as `npm pack` makes it, in an empty folder, used like anybody would. The packages
 * that it needs are linked and not installed, so that the test needs no network.
 */
const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

const CONSUMER = `
import { type Cluster, createCluster } from 'kernetes';
import { ConfigMap, controller, Deployment, scheduler } from 'kernetes/sdk';
import { fakeClock } from 'kernetes/sdk/testing';

export const byRack = scheduler.score({
  name: 'ByRack',
  config: { type: 'object', properties: { label: { type: 'string', default: 'rack' } } },
  score: ({ pod, node, config }) =>
    node.labels[config.label] === pod.labels[config.label] ? 100 : 0,
});

export const idle = controller({
  name: 'idle',
  for: Deployment,
  async reconcile(key, { objects }) {
    const { spec } = await objects.get(Deployment, key);
    return spec?.replicas ? { requeueAfter: '5m' } : undefined;
  },
});

export async function use(): Promise<string> {
  const cluster: Cluster = await createCluster({ nodes: 3, plugins: ['./idle.ts', byRack] });
  const path: string = await cluster.kubeconfig();
  const map: ConfigMap = await cluster.until({ kind: ConfigMap, name: 'a' }, m => !!m.data?.x);
  // @ts-expect-error: a ConfigMap has no spec.
  map.spec;
  // @ts-expect-error: there is no such option.
  await createCluster({ node: 3 });
  fakeClock().now().toFixed();
  await cluster.close();
  return path;
}
`;

const PROGRAM = `
import assert from 'node:assert/strict';
import { createCluster } from 'kernetes';
import { ApiError, ConfigMap, definePlugin, Deployment } from 'kernetes/sdk';

const plugins = ['./marker.ts', definePlugin({ name: 'mine', activate() {} })];
const cluster = await createCluster({ plugins });
const metadata = { name: 'web' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'b' }] } };
const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template };
await cluster.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec });
const target = { kind: Deployment, name: 'web' };
await cluster.until(target, web => web.status?.availableReplicas === 2);
const missing = cluster.objects.get(ConfigMap, { namespace: 'default', name: 'missing' });
await assert.rejects(missing, error => ApiError.is(error, 'NotFound'));
const marker = await cluster.until({ kind: ConfigMap, name: 'marker' }, () => true);
assert.equal(marker.data.same, 'true');
await cluster.close();

const confined = await createCluster({
  nodes: 0,
  plugins: [{ path: './marker.ts', placement: 'worker', grants: { objects: [
    { groups: ['*'], resources: ['*'], verbs: ['*'] },
  ] } }],
});
await confined.until({ kind: ConfigMap, name: 'marker' }, map => map.data.same === 'true');
await confined.close();
console.log('done');
`;

const MARKER = `
import { ApiError, ConfigMap, definePlugin, Namespace } from 'kernetes/sdk';

export default definePlugin({
  name: 'marker',
  activate(ctx) {
    ctx.informer(Namespace).on({
      async added({ metadata }) {
        if (metadata.name !== 'default') return;
        const key = { namespace: 'default', name: 'missing' };
        const error: unknown = await ctx.objects.get(ConfigMap, key).catch(error => error);
        await ctx.objects.create(ConfigMap, {
          metadata: { namespace: 'default', name: 'marker' },
          data: { same: String(error instanceof ApiError) },
        });
      },
    });
  },
});
`;

let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kernetes-package-'));
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  await run('npm', args, { cwd: ROOT });
  const [tarball = ''] = readdirSync(folder);
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  await run('tar', ['xzf', join(folder, tarball), '-C', modules]);
  await run('mv', [join(modules, 'package'), join(modules, 'kernetes')]);
  const { dependencies } = JSON.parse(
    readFileSync(join(modules, 'kernetes/package.json'), 'utf8'),
  ) as { dependencies: Record<string, string> };
  for (const name of [...Object.keys(dependencies), '@types/node', 'undici-types']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('the package has what it says, no sources and no tests', () => {
  const root = join(folder, 'node_modules/kernetes');
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>;
    bin: { kernetes: string };
  };
  const files = Object.values(exports).flatMap(each =>
    typeof each === 'string' ? [each] : [each.types, each.default],
  );
  for (const file of [...files, bin.kernetes, 'README.md', 'LICENSE']) {
    assert.ok(existsSync(join(root, file)), file);
  }
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const strange = all.filter(file => /\.test\.|(?<!\.d)\.ts$|testdata/.test(file));
  assert.deepEqual(strange, []);
});

test('a program of the package runs clusters with plugins in TypeScript', async () => {
  writeFileSync(join(folder, 'program.js'), PROGRAM);
  writeFileSync(join(folder, 'marker.ts'), MARKER);
  const { stdout, stderr } = await run(process.execPath, ['program.js'], { cwd: folder });
  assert.equal(stdout, 'done\n');
  assert.equal(stderr, '');
});

test('the types of the package check a program that uses them', async () => {
  writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const flags = ['--strict', '--exactOptionalPropertyTypes', '--module', 'NodeNext'];
  const args = [tsc, ...flags, '--target', 'ES2022', '--types', 'node', '--noEmit', 'consumer.ts'];
  const failure = await run(process.execPath, args, { cwd: folder }).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
  assert.equal(failure, '');
});

test('the command of the package runs', async () => {
  const command = join(folder, 'node_modules/kernetes/dist/kernetes.js');
  const { stdout } = await run(command, ['--version'], { cwd: folder });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});
