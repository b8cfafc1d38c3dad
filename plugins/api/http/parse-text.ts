import { ApiError, badRequest } from 'kernetes/sdk';
import { examineJson } from './json-text.ts';
import type { YamlConverter } from './yaml-converter.ts';

export interface Parsed {
  readonly value: unknown;
  /** What the text has twice, as upstream tells it; the last one counts. */
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
  if (error === undefined) {
    return { value, duplicates: duplicates.map(path => `duplicate field "${path}"`) };
  }
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

/** Rejects with BadRequest. */
export async function parseYaml(bytes: Buffer, yaml: YamlConverter): Promise<Parsed> {
  const text = bytes.toString();
  const { value, duplicates } = await readYaml(text, 'error parsing YAML: ', yaml);
  return { value, duplicates: duplicates.length > 0 ? [unmarshalErrors(duplicates)] : NONE };
}

export interface AppliedReading {
  /** No field may be named twice. */
  readonly strict: boolean;
  readonly yaml: YamlConverter;
}

/** A configuration to apply. Rejects with BadRequest. */
export async function parseApplied(
  bytes: Buffer,
  { strict, yaml }: AppliedReading,
): Promise<unknown> {
  const { value, duplicates } = await readYaml(bytes.toString(), 'error decoding YAML: ', yaml);
  if (!strict || duplicates.length === 0) return value;
  const why = unmarshalErrors(duplicates);
  throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${why}`);
}

async function readYaml(text: string, prefix: string, yaml: YamlConverter): Promise<Parsed> {
  // Much is JSON, which is YAML, too, and is read in a fraction of the time.
  const value = text.startsWith('{') ? plainJson(text) : undefined;
  if (value !== undefined) return { value, duplicates: NONE };
  try {
    const { json, duplicates } = await yaml.toJson(text);
    return { value: JSON.parse(json), duplicates };
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw badRequest(prefix + String((cause as Error).message).split('\n', 1)[0]);
  }
}

/** Undefined: it is none, or there is more to say of it. */
function plainJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (isWrittenSo(value, text)) return value;
    const { error, duplicates } = examineJson(text);
    return error === undefined && duplicates.length === 0 ? value : undefined;
  } catch {
    // A flow mapping of YAML begins in the same way.
    return undefined;
  }
}

/** As upstream's library says it. */
function unmarshalErrors(lines: readonly string[]): string {
  return `yaml: unmarshal errors:\n${lines.map(line => `  ${line}`).join('\n')}`;
}

const NONE: readonly string[] = [];
const BRACE = 0x7b;
const SHOWN_BYTES_MAX = 30;
