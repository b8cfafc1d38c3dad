import { ApiError, badRequest, parseGoDuration } from 'kernetes/sdk';

/**
 * How long a request may take: what the client asks for with `?timeout=`, up to the server's own
 * bound. Throws BadRequest.
 */
export function timeoutMsOf(query: URLSearchParams, maxMs: number): number {
  const text = query.size === 0 ? null : query.get('timeout');
  if (!text) return maxMs;
  const nanoseconds = parseGoDuration(text);
  if (nanoseconds === undefined) {
    throw badRequest(
      `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`,
    );
  }
  const ms = Number(nanoseconds) / 1e6;
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
