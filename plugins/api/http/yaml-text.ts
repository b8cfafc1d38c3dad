import {
  Composer,
  type Document,
  isMap,
  isScalar,
  isSeq,
  Parser,
  type ScalarTag,
  stringify,
} from 'yaml';

/** What the first document of a text says. */
export interface YamlReading {
  readonly json: string;
  /** Keys that a map has twice, in upstream's words; the last one counts. */
  readonly duplicates: readonly string[];
}

/**
 * As upstream's library reads it: what follows the first document counts for nothing. Throws what
 * is no YAML, or no JSON. Takes some 20 us a line: long texts are read in a thread.
 */
export function yamlToJson(text: string): YamlReading {
  const document = firstDocument(text);
  const [error] = document?.errors ?? [];
  if (error) throw error;
  const value: unknown = document?.toJS({ maxAliasCount: ALIASES_MAX }) ?? null;
  // Dates, sets and infinities are no JSON; neither is what refers to itself.
  return {
    json: JSON.stringify(value, asJson()),
    duplicates: document ? twice(document, text) : [],
  };
}

export function jsonToYaml(json: string): string {
  return stringify(JSON.parse(json), { indentSeq: false });
}

function firstDocument(text: string): Document | undefined {
  const tokens = new Parser().parse(text);
  const composer = new Composer({
    prettyErrors: false,
    // The library's own look at duplicates takes the square of a map's size.
    uniqueKeys: false,
    merge: true,
    logLevel: 'error',
    customTags: tags => [...tags, BINARY],
  });
  return composer.compose(tokens, true, text.length).next().value ?? undefined;
}

/** Becomes the text that it encodes, as in Go. */
const BINARY: ScalarTag = {
  tag: 'tag:yaml.org,2002:binary',
  resolve(text, onError) {
    const encoded = text.replace(/[\r\n]/g, '');
    if (!BASE64.test(encoded)) onError('yaml: !!binary value contains invalid base64 data');
    return Buffer.from(encoded, 'base64').toString();
  },
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Refuses what JSON has no word for, and aliases that unfold a small text to a large one. */
function asJson(): (key: string, value: unknown) => unknown {
  let length = 0;
  return (key, value) => {
    length += key.length + (typeof value === 'string' ? value.length : 1);
    if (length > JSON_LENGTH_MAX) throw new Error('yaml: document contains excessive aliasing');
    if (typeof value === 'bigint') return Number(value);
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new Error(`json: unsupported value: ${goNumber(value)}`);
    }
    return value;
  };
}

function goNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function twice(document: Document, text: string): string[] {
  const offsets: number[] = [];
  const walk = (node: unknown): void => {
    if (offsets.length >= DUPLICATES_MAX) return;
    if (isSeq(node)) node.items.forEach(walk);
    if (!isMap(node)) return;
    const keys = new Set<string>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      if (keys.has(name) && isScalar(key)) offsets.push(key.range?.[0] ?? 0);
      keys.add(name);
      walk(value);
    }
  };
  walk(document.contents);
  return duplicateTexts(text, offsets);
}

function duplicateTexts(text: string, offsets: readonly number[]): string[] {
  let line = 1;
  let last = 0;
  return offsets
    .toSorted((a, b) => a - b)
    .map(at => {
      line += text.slice(last, at).split('\n').length - 1;
      last = at;
      const [key = ''] = KEY.exec(text.slice(at, at + KEY_LENGTH_MAX)) ?? [];
      const shown = key.startsWith('"') ? key : JSON.stringify(key);
      return `line ${line}: key ${shown} already set in map`;
    });
}

const KEY = /^"(?:[^"\\]|\\.)*"|^[^\s:,}\]]*/;
const KEY_LENGTH_MAX = 1_000;
/** As many as of unknown fields are told. */
const DUPLICATES_MAX = 100;
/** A document of a few bytes must not unfold to gigabytes. */
const ALIASES_MAX = 100;
/** Some times the largest body. */
const JSON_LENGTH_MAX = 16 * 1024 * 1024;
