import type { BuildOptions, BuildResult } from 'esbuild';

/** Builds in process of its own, which ends when nobody builds any more. */
export async function runEsbuild<T extends BuildOptions>(options: T): Promise<BuildResult<T>> {
  running++;
  // Loaded when it is needed: most clusters have only plugins that are scripts already.
  const esbuild = await import('esbuild');
  try {
    return await esbuild.build<T>(options as Parameters<typeof esbuild.build<T>>[0]);
  } finally {
    running--;
    if (running === 0) await esbuild.stop();
  }
}

/** The first finding of a build that failed: `file:line: what`. */
export function explainBuild(error: unknown): string {
  const [first] = (error as { errors?: BuildMessage[] }).errors ?? [];
  if (first === undefined) return String((error as Error).message).split('\n', 1)[0] ?? '';
  const { location, text } = first;
  return location ? `${location.file}:${location.line}: ${text}` : text;
}

interface BuildMessage {
  readonly text: string;
  readonly location?: { readonly file: string; readonly line: number } | null;
}

let running = 0;
