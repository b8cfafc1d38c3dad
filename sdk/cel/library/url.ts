import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { opaque } from '../type.ts';
import { fail, ListValue, LiteralMap, Opaque } from '../value.ts';

const TYPE = opaque('kubernetes.URL');
const NAME = TYPE.name;

/** Parts of a URI as Go takes them apart, which keeps them as they were written. */
interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: string;
}

class Url extends Opaque {
  readonly type = TYPE;
  readonly parts: Parts;
  readonly #text: string;

  constructor(text: string, parts: Parts) {
    super();
    this.#text = text;
    this.parts = parts;
  }

  equals(other: Url): boolean {
    return this.#text === other.toString();
  }

  override toString(): string {
    return this.#text;
  }
}

export const URLS: Library = {
  [`url(string): ${NAME}`]: (frame, text: string) =>
    parse(frame, text) ?? fail(`URL parse error during conversion from string: ${shown(text)}`),
  'isURL(string): bool': (frame, text: string) => parse(frame, text) !== undefined,
  [`${NAME}.getScheme(): string`]: (_, { parts }: Url) => parts.scheme,
  [`${NAME}.getHost(): string`]: (_, { parts }: Url) => parts.host,
  [`${NAME}.getHostname(): string`]: (_, { parts }: Url) => parts.hostname,
  [`${NAME}.getPort(): string`]: (_, { parts }: Url) => parts.port,
  [`${NAME}.getEscapedPath(): string`]: ({ meter }, { parts }: Url) => {
    meter.traverse(parts.path.length);
    return escapePath(parts.path);
  },
  [`${NAME}.getQuery(): map<string, list<string>>`]: ({ meter }, { parts }: Url) => {
    meter.spend(parts.query.length);
    return queryOf(parts.query);
  },
};

function shown(text: string): string {
  return `parse ${JSON.stringify(text.slice(0, 256))}: invalid URI for request`;
}

const REQUEST_URI = /^(?:([a-z][a-z0-9+.-]*):)?(\/\/[^/?]*)?([^?]*)(?:\?([\s\S]*))?$/i;
const AUTHORITY = /^(?:[^@]*@)?(\[[0-9a-f:.%]+\]|[^\s<>"[\]:\\^`{|}]*)(?::(\d*))?$/i;
const CONTROL = /\p{Cc}/u;
const BAD_ESCAPE = /%(?![0-9a-f]{2})/i;

/** An absolute URI or an absolute path; undefined for other text. */
function parse({ meter }: Frame, text: string): Url | undefined {
  meter.traverse(text.length);
  if (text === '' || CONTROL.test(text)) return undefined;
  const [whole, scheme = '', authority, path = '', query = ''] = REQUEST_URI.exec(text) ?? [];
  if (whole === undefined || BAD_ESCAPE.test(path)) return undefined;
  if (scheme === '' && (authority !== undefined || !path.startsWith('/'))) return undefined;
  const [matched, bracketed = '', port = ''] = AUTHORITY.exec(authority?.slice(2) ?? '') ?? [];
  if (matched === undefined) return undefined;
  // What follows a scheme without a slash is opaque: it has no path.
  const rooted = path.startsWith('/') || authority !== undefined;
  return new Url(text, {
    scheme: scheme.toLowerCase(),
    host: matched.slice(matched.lastIndexOf('@') + 1),
    hostname: bracketed.replace(/^\[|\]$/g, ''),
    port,
    path: rooted ? path : '',
    query,
  });
}

/** What may not stand in a path is escaped; what was escaped stays. */
function escapePath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]/gu, char => encodeURIComponent(char));
}

function queryOf(query: string): LiteralMap {
  const values = new Map<string, string[]>();
  for (const [key, value] of new URLSearchParams(query)) {
    const known = values.get(key);
    if (known) known.push(value);
    else values.set(key, [value]);
  }
  return new LiteralMap([...values].map(([key, list]) => [key, new ListValue(list)] as const));
}
