import { badRequest, schemaOf, unsupportedMediaType } from 'kernetes/sdk';
import { decodeMessage } from './decode.ts';
import { messageOf } from './message.ts';
import { ProtobufReader, WireError } from './reader.ts';

export const MEDIA_TYPE = 'application/vnd.kubernetes.protobuf';

/**
 * A body as plain data, with its apiVersion and kind. Throws BadRequest on bytes that are none, and
 * UnsupportedMediaType for a kind without a protobuf form.
 */
export function decodeBody(bytes: Uint8Array): Record<string, unknown> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { apiVersion, kind, raw } = readEnvelope(buffer);
  const slash = apiVersion.indexOf('/');
  const schema = schemaOf(
    apiVersion.slice(0, Math.max(slash, 0)),
    apiVersion.slice(slash + 1),
    kind,
  );
  const message = schema && messageOf(schema);
  if (message === undefined) throw unsupportedMediaType(OTHER_TYPES);
  const object = { kind, apiVersion };
  check(`${apiVersion} ${kind}`, () => decodeMessage(new ProtobufReader(raw), message, object));
  return object;
}

/** Upstream's `runtime.Unknown` behind four bytes that no JSON or YAML begins with. */
interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The message of the kind. */
  readonly raw: Buffer;
}

function readEnvelope(bytes: Buffer): Envelope {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest('provided data does not appear to be a protobuf message: no prefix "k8s\\0"');
  }
  const type = { apiVersion: '', kind: '' };
  let raw: Buffer = EMPTY;
  let encoding = '';
  check('the envelope', () => {
    const reader = new ProtobufReader(bytes, MAGIC.length);
    while (reader.next()) {
      if (reader.field === 1) readTypeMeta(reader.message(), type);
      else if (reader.field === 2) raw = reader.bytes();
      else if (reader.field === 3) encoding = reader.string();
      else reader.skip();
    }
  });
  if (encoding !== '')
    throw badRequest(`contentEncoding is ${JSON.stringify(encoding)}, want none`);
  if (type.kind === '') throw badRequest("Object 'Kind' is missing in the protobuf message");
  if (type.apiVersion === '') {
    throw badRequest("Object 'apiVersion' is missing in the protobuf message");
  }
  return { ...type, raw };
}

function readTypeMeta(reader: ProtobufReader, type: { apiVersion: string; kind: string }): void {
  while (reader.next()) {
    if (reader.field === 1) type.apiVersion = reader.string();
    else if (reader.field === 2) type.kind = reader.string();
    else reader.skip();
  }
}

/** Runs a read of `what`; bytes that do not fit are the client's error. */
function check(what: string, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw badRequest(`couldn't decode protobuf of ${what}: ${error.message}`);
  }
}

const MAGIC = Buffer.from('k8s\0');
const EMPTY = Buffer.alloc(0);
/** What a client may send instead. */
const OTHER_TYPES = ['application/json', 'application/yaml'];
