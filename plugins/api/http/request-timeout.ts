import { ApiError, badRequest } from 'kernetes/sdk';

/**
 * How long a request may take: what the client asks for with `?timeout=`, up to the server's own
 * bound. Throws BadRequest.
 */
export function timeoutMsOf(query: URLSearchParams, maxMs: number): number {
  const text = query.size === 0 ? null : query.get('timeout');
  if (!text) return maxMs;
  const ms = goDurationMs(text);
  if (ms === undefined) {
    throw badRequest(
      `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`,
    );
  }
  return ms === 0 ? maxMs : Math.max(0, Math.min(ms, maxMs));
}

export function timedOut(): ApiError {
  return new ApiError({
    message: 'Timeout: request did not complete within the allotted timeout',
    reason: 'Timeout',
    details: {},
    code: 504,
  });
}

/** `1h15m30.5s`; undefined: Go would not read it. */
function goDurationMs(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  const [, sign, rest = ''] =
    /^([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text) ?? [];
  if (rest === '') return undefined;
  let ms = 0;
  for (const [, amount, unit = ''] of rest.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    ms += Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
  }
  return sign === '-' ? -ms : ms;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
