import { Transform, type TransformCallback } from 'node:stream';

export interface UrlChange {
  /** What stands before a backend's paths for clients of the proxy; no slash at its end. */
  readonly prefix: string;
  /** Names by which a backend means itself. */
  readonly hosts: ReadonlySet<string>;
}

/** An absolute path of the backend becomes one below the proxy; all else stays as it is. */
export function rewriteUrl(url: string, { prefix, hosts }: UrlChange): string {
  const [, host, rest = ''] = /^(?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  if (host !== undefined && !hosts.has(host)) return url;
  const path = host === undefined ? url : rest;
  if (!path.startsWith('/')) return url;
  const isBelow = path === prefix || path.startsWith(`${prefix}/`);
  return isBelow ? path : prefix + path;
}

/**
 * Rewrites the links of an HTML page as it streams by. No more than one tag is kept; it looks at
 * bytes as Latin-1, so that any encoding with ASCII in it passes unharmed. Scripts, styles and
 * comments are passed over.
 */
export class LinkRewriter extends Transform {
  readonly #change: UrlChange;
  #rest = '';
  /** What ends the text that is being passed over. */
  #until: RegExp | undefined;

  constructor(change: UrlChange) {
    super();
    this.#change = change;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#rest += chunk.toString('latin1');
    let out = '';
    for (;;) {
      const piece = this.#until ? this.#passOver(this.#until) : this.#next();
      if (piece === undefined) break;
      out += piece;
    }
    done(null, Buffer.from(out, 'latin1'));
  }

  override _flush(done: TransformCallback): void {
    done(null, Buffer.from(this.#rest, 'latin1'));
  }

  #passOver(until: RegExp): string | undefined {
    const end = this.#rest.search(until);
    if (end >= 0) {
      this.#until = undefined;
      return this.#cut(end);
    }
    // The end may be cut in two.
    const safe = this.#rest.length - LONGEST_END;
    return safe > 0 ? this.#cut(safe) : undefined;
  }

  /** The next piece of text, or tag; undefined: none is complete. */
  #next(): string | undefined {
    const start = this.#rest.indexOf('<');
    if (start !== 0) {
      if (this.#rest === '') return undefined;
      return this.#cut(start < 0 ? this.#rest.length : start);
    }
    const length = tagLength(this.#rest);
    if (length === undefined) return undefined;
    const tag = this.#cut(length);
    this.#until = tag === '<!--' ? COMMENT : RAW.get(elementOf(tag));
    return rewriteTag(tag, this.#change);
  }

  #cut(length: number): string {
    const piece = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return piece;
  }
}

/** Of the tag that the text begins with; undefined: its end is not there yet. */
function tagLength(text: string): number | undefined {
  if (text.startsWith('<!--')) return '<!--'.length;
  if ('<!--'.startsWith(text)) return undefined;
  if (!/^<[a-z/!?]/i.test(text)) return 1;
  let quote = '';
  for (let i = 1; i < text.length; i++) {
    const char = text.charAt(i);
    if (quote) quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '>') return i + 1;
  }
  return text.length > TAG_BYTES_MAX ? 1 : undefined;
}

function elementOf(tag: string): string {
  return /^<([a-z]+)/i.exec(tag)?.[1]?.toLowerCase() ?? '';
}

function rewriteTag(tag: string, change: UrlChange): string {
  const attributes = ATTRIBUTES.get(elementOf(tag));
  if (attributes === undefined) return tag;
  return tag.replace(
    /(\s)([a-z]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi,
    (whole: string, space: string, attribute: string, equals: string, value: string) => {
      if (!attributes.includes(attribute.toLowerCase())) return whole;
      const quote = /^["']/.test(value) ? value.charAt(0) : '';
      const url = quote ? value.slice(1, -1) : value;
      return `${space}${attribute}${equals}${quote}${rewriteUrl(url, change)}${quote}`;
    },
  );
}

/** Which attributes of which elements are addresses. */
const ATTRIBUTES: ReadonlyMap<string, readonly string[]> = new Map([
  ['a', ['href']],
  ['area', ['href']],
  ['audio', ['src']],
  ['base', ['href']],
  ['blockquote', ['cite']],
  ['body', ['background']],
  ['button', ['formaction']],
  ['del', ['cite']],
  ['embed', ['src']],
  ['form', ['action']],
  ['frame', ['longdesc', 'src']],
  ['head', ['profile']],
  ['html', ['manifest']],
  ['iframe', ['longdesc', 'src']],
  ['img', ['longdesc', 'src', 'usemap']],
  ['input', ['src', 'formaction', 'usemap']],
  ['ins', ['cite']],
  ['link', ['href']],
  ['object', ['classid', 'codebase', 'data', 'usemap']],
  ['q', ['cite']],
  ['script', ['src']],
  ['source', ['src']],
  ['video', ['poster', 'src']],
]);

const COMMENT = /-->/;
const RAW: ReadonlyMap<string, RegExp> = new Map(
  ['script', 'style', 'textarea', 'title'].map(name => [name, new RegExp(`</${name}`, 'i')]),
);
const LONGEST_END = '</textarea'.length;
/** A `<` that no `>` follows for so long is text. */
const TAG_BYTES_MAX = 64 * 1024;
