import type { JsonNode } from './definitions.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/**
 * A Swagger 2.0 document as the protobuf message `openapi.v2.Document`, the form that kubectl
 * downloads. Field numbers are those of OpenAPIv2.proto. A key that neither the message type nor
 * the `x-` extensions know is an error: what is not encoded would be silently lost.
 */
export function encodeV2Document(document: JsonNode): Buffer {
  const writer = new ProtobufWriter();
  writeMessage(writer, DOCUMENT, document);
  return writer.finish();
}

/** How the value of one JSON key is written. */
type WriteField = (writer: ProtobufWriter, value: unknown) => void;

/** A message type: JSON key -> field. */
interface MessageType {
  readonly fields: ReadonlyMap<string, WriteField>;
  /** Field number of the `x-` extensions; for maps, of the entries. */
  readonly extensions?: number;
}

function writeMessage(writer: ProtobufWriter, type: MessageType, value: unknown): void {
  for (const [key, child] of Object.entries(value as JsonNode)) {
    const write = type.fields.get(key);
    if (write) write(writer, child);
    else if (type.extensions !== undefined && key.startsWith('x-')) {
      named(type.extensions, any)(writer, key, child);
    } else throw new Error(`Cannot encode OpenAPI key "${key}": the message has no such field`);
  }
}

function text(field: number): WriteField {
  return (writer, value) => writer.string(field, value as string);
}

function texts(field: number): WriteField {
  return (writer, value) => {
    for (const element of value as string[]) writer.string(field, element);
  };
}

function flag(field: number): WriteField {
  return (writer, value) => writer.bool(field, value as boolean);
}

function integer(field: number): WriteField {
  return (writer, value) => writer.integer(field, value as number);
}

function double(field: number): WriteField {
  return (writer, value) => writer.double(field, value as number);
}

/** One message; `type` is asked late, so that types can hold themselves. */
function message(field: number, type: () => MessageType): WriteField {
  return (writer, value) => writer.message(field, () => writeMessage(writer, type(), value));
}

function wrapped(field: number, inner: WriteField): WriteField {
  return (writer, value) => writer.message(field, () => inner(writer, value));
}

function each(inner: WriteField): WriteField {
  return (writer, value) => {
    for (const element of value as unknown[]) inner(writer, element);
  };
}

/** gnostic's `Any`: the value as YAML, of which JSON is a part. */
function any(field: number): WriteField {
  return (writer, value) => writer.message(field, () => writer.string(2, JSON.stringify(value)));
}

/** A `Named…` message: the name is field 1, the value field 2. */
function named(
  field: number,
  value: (field: number) => WriteField,
): (writer: ProtobufWriter, name: string, value: unknown) => void {
  const writeValue = value(2);
  return (writer, name, child) =>
    writer.message(field, () => {
      writer.string(1, name);
      writeValue(writer, child);
    });
}

/** A message that only holds named values, as maps do. */
function map(field: number, entry: number, value: (field: number) => WriteField): WriteField {
  const writeEntry = named(entry, value);
  return (writer, entries) =>
    writer.message(field, () => {
      for (const [name, child] of Object.entries(entries as JsonNode)) {
        writeEntry(writer, name, child);
      }
    });
}

function type(fields: Readonly<Record<string, WriteField>>, extensions?: number): MessageType {
  const known = new Map(Object.entries(fields));
  return extensions === undefined ? { fields: known } : { fields: known, extensions };
}

const schema = (field: number): WriteField => message(field, () => SCHEMA);
const schemaMap = (field: number): WriteField => map(field, 1, schema);

const EXTERNAL_DOCS = type({ description: text(1), url: text(2) }, 3);

const SCHEMA: MessageType = type(
  {
    $ref: text(1),
    format: text(2),
    title: text(3),
    description: text(4),
    default: any(5),
    multipleOf: double(6),
    maximum: double(7),
    exclusiveMaximum: flag(8),
    minimum: double(9),
    exclusiveMinimum: flag(10),
    maxLength: integer(11),
    minLength: integer(12),
    pattern: text(13),
    maxItems: integer(14),
    minItems: integer(15),
    uniqueItems: flag(16),
    maxProperties: integer(17),
    minProperties: integer(18),
    required: texts(19),
    enum: each(any(20)),
    additionalProperties: (writer, value) =>
      wrapped(21, typeof value === 'boolean' ? flag(2) : schema(1))(writer, value),
    type: wrapped(22, text(1)),
    items: wrapped(23, schema(1)),
    properties: schemaMap(25),
    externalDocs: message(29, () => EXTERNAL_DOCS),
    example: any(30),
  },
  31,
);

const BODY_PARAMETER = type(
  { description: text(1), name: text(2), in: text(3), required: flag(4), schema: schema(5) },
  6,
);

const QUERY_PARAMETER = type(
  {
    required: flag(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(6),
    uniqueItems: flag(20),
  },
  23,
);

const PATH_PARAMETER = type(
  {
    required: flag(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(5),
    uniqueItems: flag(19),
  },
  22,
);

/** `ParametersItem` holds a `Parameter`, which holds a body parameter or one of the others. */
const PARAMETER_FORMS: Readonly<Record<string, WriteField>> = {
  body: wrapped(
    1,
    message(1, () => BODY_PARAMETER),
  ),
  query: wrapped(
    1,
    wrapped(
      2,
      message(3, () => QUERY_PARAMETER),
    ),
  ),
  path: wrapped(
    1,
    wrapped(
      2,
      message(4, () => PATH_PARAMETER),
    ),
  ),
};

function parameters(field: number): WriteField {
  return each((writer, value) => {
    const form = PARAMETER_FORMS[(value as { in: string }).in];
    if (!form) throw new Error(`Cannot encode a parameter in "${(value as { in: string }).in}"`);
    wrapped(field, form)(writer, value);
  });
}

const RESPONSE = type({ description: text(1), schema: wrapped(2, schema(1)) }, 5);
const response = (field: number): WriteField =>
  wrapped(
    field,
    message(1, () => RESPONSE),
  );

const OPERATION = type(
  {
    tags: texts(1),
    summary: text(2),
    description: text(3),
    operationId: text(5),
    produces: texts(6),
    consumes: texts(7),
    parameters: parameters(8),
    responses: map(9, 1, response),
    schemes: texts(10),
    deprecated: flag(11),
  },
  13,
);

const operation = (field: number): WriteField => message(field, () => OPERATION);

const PATH_ITEM = type(
  {
    get: operation(2),
    put: operation(3),
    post: operation(4),
    delete: operation(5),
    patch: operation(8),
    parameters: parameters(9),
  },
  10,
);

const INFO = type({ title: text(1), version: text(2), description: text(3) }, 7);
const API_KEY_SECURITY = type(
  { type: text(1), name: text(2), in: text(3), description: text(4) },
  5,
);

const stringArray = (field: number): WriteField => wrapped(field, texts(1));

const DOCUMENT = type(
  {
    swagger: text(1),
    info: message(2, () => INFO),
    paths: map(8, 2, field => message(field, () => PATH_ITEM)),
    definitions: schemaMap(9),
    security: each(map(12, 1, stringArray)),
    securityDefinitions: map(13, 1, field =>
      wrapped(
        field,
        message(2, () => API_KEY_SECURITY),
      ),
    ),
  },
  16,
);
