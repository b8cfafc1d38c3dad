import type { EncodedObject } from 'kernetes/sdk';
import type { Pieces, Response } from './send.ts';
import type { YamlConverter } from './yaml-converter.ts';

/** The answer that is whole in `pieces`. */
export async function toYaml(json: Pieces, yaml: YamlConverter): Promise<Pieces> {
  return [Buffer.from(await yaml.toYaml(Buffer.concat(json).toString()))];
}

export interface YamlList {
  /** The list without its items, which are its last field. */
  readonly head: { readonly items: readonly [] };
  readonly items: readonly EncodedObject[];
}

/**
 * A list some items at a time, so that others have their turns at the converter. Who is gone, or
 * answered already, has no more done for him.
 */
export async function listToYaml(
  { head, items }: YamlList,
  yaml: YamlConverter,
  response: Response,
): Promise<Pieces> {
  const empty = await yaml.toYaml(JSON.stringify(head));
  if (items.length === 0) return [Buffer.from(empty)];
  let isGone = false;
  const leave = () => {
    isGone = true;
  };
  response.once('close', leave);
  const pieces = [Buffer.from(`${empty.slice(0, -' []\n'.length)}\n`)];
  for (const json of batchesOf(items)) {
    pieces.push(Buffer.from(await yaml.toYaml(json)));
    if (isGone || response.headersSent) break;
  }
  response.off('close', leave);
  return pieces;
}

function* batchesOf(items: readonly EncodedObject[]): Generator<string, void, undefined> {
  let batch: Uint8Array[] = [];
  let length = 0;
  for (const { tail } of items) {
    batch.push(batch.length === 0 ? OPEN : NEXT, tail);
    length += tail.length;
    if (length < BATCH_BYTES) continue;
    yield `${Buffer.concat(batch)}]`;
    batch = [];
    length = 0;
  }
  if (length > 0) yield `${Buffer.concat(batch)}]`;
}

const OPEN = Buffer.from('[{');
const NEXT = Buffer.from(',{');
/** About 100 ms of work. */
const BATCH_BYTES = 256 * 1024;
