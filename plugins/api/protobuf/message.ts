import type { Schema } from 'kernetes/sdk';
import { FIELD_NUMBERS } from './field-numbers.ts';

/** The fields of a message by their numbers. */
export type Message = ReadonlyMap<number, Field>;

export type Field =
  | {
      readonly name: string;
      readonly schema: Schema;
      /** A Go value with omitempty: always on the wire, and not in JSON while it is zero. */
      readonly omitsZero: boolean;
    }
  /** A message whose fields JSON has inline. */
  | { readonly embedded: Message };

/** The message of a definition; undefined where there is none. The same object each time. */
export function messageOf(schema: Schema): Message | undefined {
  if (schema.id === undefined) return undefined;
  const known = messages.get(schema.id);
  if (known) return known;
  const message = build(schema.id, schema);
  if (message) messages.set(schema.id, message);
  return message;
}

/** Bounded by the number of definitions. */
const messages = new Map<string, Message>();
let rows: ReadonlyMap<string, string> | undefined;

/** Split on first use: a thread that decodes nothing does not pay for it. */
function rowOf(id: string): string | undefined {
  rows ??= new Map(
    FIELD_NUMBERS.split('\n').map(line => {
      const at = line.indexOf(' ');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  return rows.get(id);
}

/** `schema` has the fields: it is the definition `id`, or embeds it. */
function build(id: string, schema: Schema): Message | undefined {
  const row = rowOf(id);
  if (row === undefined) return undefined;
  const message = new Map<number, Field>();
  for (const entry of row.split(' ')) {
    const [text = '', number] = entry.split('=');
    message.set(Number(number), buildField(text, id, schema));
  }
  return message;
}

function buildField(text: string, id: string, schema: Schema): Field {
  if (text.startsWith('...')) {
    const embedded = build(id.slice(0, id.lastIndexOf('.') + 1) + text.slice(3), schema);
    if (embedded === undefined) throw new Error(`Cannot find field numbers of "${text}" in ${id}`);
    return { embedded };
  }
  const omitsZero = text.endsWith('?');
  const name = omitsZero ? text.slice(0, -1) : text;
  const property = schema.properties.get(name);
  if (property === undefined) throw new Error(`Cannot find field "${name}" in ${schema.id}`);
  return { name, schema: property, omitsZero };
}
