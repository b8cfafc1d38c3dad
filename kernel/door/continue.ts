import { ApiError, badRequest } from '../../sdk/status.ts';

/** Where a list goes on, as its `continue` token says it. */
export interface ContinueToken {
  /** That of the first page; `ANY_REVISION`: the newest, which may not fit the pages before. */
  readonly revision: number;
  /** The key that the page begins with. */
  readonly start: string;
}

/** In a token that was given in place of one whose revision is forgotten. */
export const ANY_REVISION = -1;

export function writeContinue({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: VERSION, rv: revision, start })).toString('base64url');
}

/** Throws BadRequest with the words of the server that clients know. */
export function readContinue(text: string): ContinueToken {
  const { v, rv, start } = parse(text) ?? {};
  if (v !== VERSION) {
    throw invalidToken(`: server does not recognize this encoded version ${String(v ?? '')}`);
  }
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < ANY_REVISION) {
    throw invalidToken(`: incorrect encoded start resourceVersion (version ${VERSION})`);
  }
  if (typeof start !== 'string' || start === '') {
    throw invalidToken(`: encoded start key empty (version ${VERSION})`);
  }
  if (start.split('/').some(part => part === '' || part === '.' || part === '..')) {
    throw invalidToken(`: ${start}`);
  }
  return { revision: rv, start };
}

/** The revision of a page to come is forgotten; the token in it goes on at the newest one. */
export function continueExpired(start: string): ApiError {
  return new ApiError({
    metadata: { continue: writeContinue({ revision: ANY_REVISION, start }) },
    message:
      'The provided continue parameter is too old to display a consistent list result. ' +
      'You can start a new list without the continue parameter, or use the continue token in ' +
      'this response to retrieve the remainder of the results. Continuing with the provided ' +
      'token results in an inconsistent list - objects that were created, modified, or deleted ' +
      'between the time the first chunk was returned and now may show up in the list.',
    reason: 'Expired',
    code: 410,
  });
}

function parse(text: string): Record<string, unknown> | undefined {
  const illegal = text.search(/[^A-Za-z0-9_-]/);
  const odd = text.length % 4 === 1 ? text.length - 1 : -1;
  const wrong = illegal >= 0 ? illegal : odd;
  if (wrong >= 0) throw invalidToken(`: illegal base64 data at input byte ${wrong}`);
  const bytes = Buffer.from(text, 'base64url');
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value === 'object' && !Array.isArray(value)) {
      return (value ?? {}) as Record<string, unknown>;
    }
  } catch {
    const first = String.fromCharCode(bytes[0] ?? 0);
    if (bytes.length > 0 && !/[\s{["tfn\d-]/.test(first)) {
      throw invalidToken(`: invalid character '${first}' looking for beginning of value`);
    }
    throw invalidToken(': unexpected end of JSON input');
  }
  throw invalidToken(': json: cannot unmarshal value into a continue token');
}

function invalidToken(why: string): ApiError {
  return badRequest(`invalid continue token: continue key is not valid${why}`);
}

const VERSION = 'meta.k8s.io/v1';
