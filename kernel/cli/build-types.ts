import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Deletes the declarations below `folder` that none of the entries needs. */
export function pruneTypes(folder: string, entries: readonly string[]): void {
  const needed = new Set<string>();
  const queue = entries.map(entry => join(folder, entry));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (needed.has(file)) continue;
    needed.add(file);
    queue.push(...importsOf(file));
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name);
    if (name.endsWith('.ts') && !needed.has(file)) rmSync(file);
  }
}

/** The declarations of ours that one refers to. */
function importsOf(file: string): string[] {
  const code = readFileSync(file, 'utf8').replace(COMMENT, '');
  return [...code.matchAll(IMPORT)].map(([, path = '']) => {
    const target = `${resolve(dirname(file), path)}.d.ts`;
    if (!existsSync(target)) throw new Error(`Cannot find ${target}, which ${file} imports`);
    return target;
  });
}

const COMMENT = /\/\*[\s\S]*?\*\//g;
const IMPORT = /(?:from |import\()['"](\.[^'"]+)\.(?:ts|js)['"]/g;
