import { readFileSync } from 'node:fs';

/** An exchange with a real server, from `reference/v1.20`. */
export interface Recorded {
  // biome-ignore lint/suspicious/noExplicitAny: recorded JSON of every kind
  readonly request: { readonly body: any };
  // biome-ignore lint/suspicious/noExplicitAny: recorded JSON of every kind
  readonly response: { readonly code: number; readonly body: any };
}

/** Reads `defaults/job.json`; without the null timestamps that servers since 1.34 leave out. */
export function recorded(path: string): Recorded {
  const text = readFileSync(new URL(`reference/v1.20/${path}`, import.meta.url), 'utf8');
  return JSON.parse(text, (key, value) =>
    key === 'creationTimestamp' && value === null ? undefined : value,
  );
}
