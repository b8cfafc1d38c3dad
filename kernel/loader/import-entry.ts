import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SdkModules } from '../pool/bundle.ts';
import { explainBuild, runEsbuild } from '../pool/esbuild.ts';

import { LoadError } from './manifest.ts';
import type { ImportEntry } from './sources.ts';

/**
 * Loads entry modules of somebody else's, TypeScript too, into this thread: bundled to one script
 * whose imports of the SDK are those of the running one. Its file is gone when it is loaded.
 */
export function inlineImporter(modules: SdkModules): ImportEntry {
  return async file => {
    const code = await bundle(file, modules);
    const folder = await mkdtemp(join(tmpdir(), 'kernetes-'));
    try {
      const script = join(folder, `${basename(file)}.mjs`);
      await writeFile(script, code);
      return await import(pathToFileURL(script).href);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

async function bundle(file: string, { sdk, testing }: SdkModules): Promise<string> {
  try {
    const result = await runEsbuild({
      entryPoints: [file],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'silent',
      tsconfigRaw: '{}',
      define: { 'import.meta.url': JSON.stringify(pathToFileURL(file).href) },
      banner: { js: REQUIRE },
      plugins: [
        {
          name: 'kernetes',
          setup(build) {
            build.onResolve({ filter: /^kernetes\/sdk(\/testing)?$/ }, ({ path }) => ({
              path: pathToFileURL(path === 'kernetes/sdk' ? sdk : testing).href,
              external: true,
            }));
          },
        },
      ],
    });
    return result.outputFiles[0]?.text ?? '';
  } catch (cause) {
    throw new LoadError(`Cannot bundle the plugin ${file}: ${explainBuild(cause)}`, { cause });
  }
}

/** CommonJS packages within the bundle ask for Node's modules by `require`. */
const REQUIRE =
  'import { createRequire as __createRequire } from "node:module";' +
  'const require = __createRequire(import.meta.url);';
