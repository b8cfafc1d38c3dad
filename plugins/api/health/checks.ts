import type { RouteRequest, RouteResponse } from 'kernetes/sdk';

/** One thing that must be so for the server to be well. */
export interface Check {
  readonly name: string;
  /** Why it is not so; undefined: it is. */
  readonly problem: () => string | undefined;
}

/**
 * `/readyz`, in upstream's form: `ok`, or with `?verbose` and on failure a line for each check but
 * those named by `?exclude=`.
 */
export function answerAll(
  endpoint: string,
  checks: readonly Check[],
  { query }: Pick<RouteRequest, 'query'>,
): RouteResponse {
  const excluded = new Set(query.getAll('exclude'));
  const lines: string[] = [];
  const failed: string[] = [];
  for (const { name, problem } of checks) {
    if (excluded.delete(name)) {
      lines.push(`[+]${name} excluded: ok`);
    } else if (problem() === undefined) {
      lines.push(`[+]${name} ok`);
    } else {
      // Why is for the log: who asks may be anybody.
      lines.push(`[-]${name} failed: reason withheld`);
      failed.push(name);
    }
  }
  if (excluded.size > 0) {
    const names = [...excluded].map(name => JSON.stringify(name)).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  if (failed.length > 0) return text(500, `${lines.join('\n')}\n${endpoint} check failed\n`);
  if (!query.has('verbose')) return text(200, 'ok');
  return text(200, `${lines.join('\n')}\n${endpoint} check passed\n`);
}

/** `/readyz/ping` */
export function answerOne({ problem }: Check): RouteResponse {
  const why = problem();
  return why === undefined ? text(200, 'ok') : text(500, `internal server error: ${why}\n`);
}

function text(code: number, body: string): RouteResponse {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  };
  return { code, headers, body };
}
