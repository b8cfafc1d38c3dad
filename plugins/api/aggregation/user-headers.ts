import type { ForwardedHeaders, User } from 'kernetes/sdk';

/** Who asks, as a front proxy says it. */
export function userHeaders({ name, uid, groups, extra = {} }: User): ForwardedHeaders {
  const headers: ForwardedHeaders = {
    'x-remote-user': bytes(name),
    'x-remote-group': groups.map(bytes),
    ...(uid && { 'x-remote-uid': bytes(uid) }),
  };
  for (const [key, values] of Object.entries(extra)) {
    headers[`x-remote-extra-${escapeKey(key)}`] = values.map(bytes);
  }
  return headers;
}

/** Header values are bytes, which Node takes as Latin-1; Go sends UTF-8. */
function bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** What may not stand in a header's name, and the percent sign, as %XX. */
function escapeKey(key: string): string {
  return [...Buffer.from(key)]
    .map(byte => {
      const char = String.fromCharCode(byte);
      const hex = byte.toString(16).toUpperCase().padStart(2, '0');
      return /[a-zA-Z0-9!#$&'*+.^_`|~-]/.test(char) ? char : `%${hex}`;
    })
    .join('');
}
