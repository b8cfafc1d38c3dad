import { badRequest } from 'kernetes/sdk';
import { type Document, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { examineJson } from './json-text.ts';

export interface Parsed {
  readonly value: unknown;
  /** Paths of the fields that the text has twice; the last one counts. */
  readonly duplicates: readonly string[];
}

/** What a body should be, for messages. */
export interface Wanted {
  readonly kind: string;
  readonly version: string;
}

/** Throws BadRequest with upstream's words. */
export function parseJson(bytes: Buffer, wanted: Wanted): Parsed {
  // What is no UTF-8 becomes U+FFFD, as in Go.
  const text = bytes.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unrecognized(bytes, wanted, examineJson(text).error ?? String(cause));
  }
  // Most programs send what is written the same again: nothing can have been lost then.
  if (isWrittenSo(value, text)) return { value, duplicates: NONE };
  const { error, duplicates } = examineJson(text);
  if (error === undefined) return { value, duplicates };
  throw error.startsWith('json:')
    ? badRequest(cannotBe(wanted, error))
    : unrecognized(bytes, wanted, error);
}

/** A patch is no object yet: what is wrong with it is told as it is. Throws BadRequest. */
export function parsePatchJson(bytes: Buffer, prefix: string): unknown {
  const text = bytes.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw badRequest(prefix + (examineJson(text).error ?? String(cause)));
  }
  if (isWrittenSo(value, text)) return value;
  const { error } = examineJson(text);
  if (error !== undefined) throw badRequest(prefix + error);
  return value;
}

/** The body is empty, where an object is wanted. */
export function noBody(wanted: Wanted): Error {
  return unrecognized(Buffer.alloc(0), wanted, 'unexpected end of JSON input');
}

function isWrittenSo(value: unknown, text: string): boolean {
  try {
    const written = JSON.stringify(value);
    // Go's encoder ends with a line end.
    return written === text || (text.endsWith('\n') && written === text.slice(0, -1));
  } catch {
    // Too deep for it.
    return false;
  }
}

/** As upstream shows a body that tells nothing: its beginning, in hex unless it may be JSON. */
function unrecognized(bytes: Buffer, { kind }: Wanted, why: string): Error {
  const isLong = bytes.length > SHOWN_BYTES_MAX;
  const start = bytes.subarray(0, SHOWN_BYTES_MAX);
  const shown = bytes[0] === BRACE ? start.toString() : start.toString('hex');
  const summary = bytes.length === 0 ? '<empty>' : `${shown}${isLong ? ' ...' : ''}`;
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): ` +
      `couldn't get version/kind; json parse error: ${why} (${summary})`,
  );
}

function cannotBe({ kind, version }: Wanted, why: string): string {
  return `${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`;
}

/** Throws BadRequest. */
export function parseYaml(bytes: Buffer): Parsed {
  const text = bytes.toString();
  const document = readYaml(text, 'error parsing YAML: ');
  const duplicates = duplicateKeys(document).map(({ path }) => path);
  return { value: toPlain(document, 'error parsing YAML: '), duplicates };
}

/** A configuration to apply. `strict`: no field may be named twice. Throws BadRequest. */
export function parseApplied(bytes: Buffer, strict: boolean): unknown {
  const text = bytes.toString();
  // Most is JSON, which is YAML, too, and is read in a fraction of the time.
  if (text.startsWith('{')) {
    try {
      const value: unknown = JSON.parse(text);
      if (isWrittenSo(value, text)) return value;
      const { error, duplicates } = examineJson(text);
      if (error === undefined && (!strict || duplicates.length === 0)) return value;
    } catch {
      // A flow mapping of YAML begins in the same way.
    }
  }
  const document = readYaml(text, 'error decoding YAML: ');
  const twice = strict ? duplicateKeys(document) : [];
  if (twice.length > 0) {
    const lines = twice.map(({ offset }) => duplicateText(text, offset));
    throw badRequest(
      `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${lines.join('\n')}`,
    );
  }
  return toPlain(document, 'error decoding YAML: ');
}

function readYaml(text: string, prefix: string): Document {
  return told(prefix, () => {
    // The library's own look at duplicates takes the square of a map's size.
    const document = parseDocument(text, {
      prettyErrors: false,
      uniqueKeys: false,
      merge: true,
      logLevel: 'error',
    });
    const [error] = document.errors;
    if (error) throw error;
    return document;
  });
}

function toPlain(document: Document, prefix: string): unknown {
  return told(prefix, () => {
    const value: unknown = document.toJS({ maxAliasCount: YAML_ALIASES_MAX });
    // Dates, sets and infinities are no JSON; neither is what refers to itself.
    return JSON.parse(JSON.stringify(value ?? null, asJson));
  });
}

function asJson(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new Error(`json: unsupported value: ${goNumber(value)}`);
  }
  if (typeof value === 'bigint') return Number(value);
  return value;
}

function goNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function told<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw badRequest(prefix + String((cause as Error).message).split('\n', 1)[0]);
  }
}

interface DuplicateKey {
  readonly path: string;
  /** Where it stands in the text. */
  readonly offset: number;
}

function duplicateKeys(document: Document): DuplicateKey[] {
  const found: DuplicateKey[] = [];
  const walk = (node: unknown, path: string): void => {
    if (found.length >= DUPLICATES_MAX) return;
    if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, `${path}[${index}]`);
    } else if (isMap(node)) {
      const keys = new Set<string>();
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : String(key);
        const inner = path === '' ? name : `${path}.${name}`;
        if (keys.has(name) && isScalar(key)) {
          found.push({ path: inner, offset: key.range?.[0] ?? 0 });
        }
        keys.add(name);
        walk(value, inner);
      }
    }
  };
  walk(document.contents, '');
  return found;
}

function duplicateText(text: string, at: number): string {
  const line = text.slice(0, at).split('\n').length;
  const [key = ''] = /^"(?:[^"\\]|\\.)*"|^[^\s:,}\]]*/.exec(text.slice(at)) ?? [];
  return `  line ${line}: key ${key.startsWith('"') ? key : JSON.stringify(key)} already set in map`;
}

const NONE: readonly string[] = [];
const BRACE = 0x7b;
const SHOWN_BYTES_MAX = 30;
/** As many as of unknown fields are told. */
const DUPLICATES_MAX = 100;
/** A document of a few bytes must not unfold to gigabytes. */
const YAML_ALIASES_MAX = 100;
