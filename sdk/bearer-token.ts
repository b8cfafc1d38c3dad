import type { Credentials } from './auth.ts';
import { type ApiError, unauthorized } from './status.ts';

/**
 * The token of an `Authorization: Bearer` header; undefined when there is none, or when it is
 * longer than any token is, so that nobody makes an authenticator hash a book.
 */
export function bearerToken({ authorization }: Credentials): string | undefined {
  if (authorization === undefined || authorization.length > HEADER_LENGTH_MAX) return undefined;
  return /^bearer ([^\s]+)$/i.exec(authorization.trim())?.[1];
}

/**
 * What an authenticator throws for credentials of its sort that are bad. The client is told
 * Unauthorized and no more; the reason is the error's cause, for token reviews and the log.
 */
export function badCredentials(reason: string): ApiError {
  const error = unauthorized();
  error.cause = new Error(reason);
  return error;
}

/** A service account's token has a kilobyte; those of identity providers may have ten. */
const HEADER_LENGTH_MAX = 64 * 1024;
