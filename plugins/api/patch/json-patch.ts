import { ApiError, badRequest } from 'kernetes/sdk';
import { checkDepth, DEPTH_MAX, isJsonObject, jsonEqual, setKey, unprocessable } from './json.ts';

/**
 * JSON patch (RFC 6902). What an operation changes is copied before its first change only: the
 * document may be frozen, one that fails half-way leaves nothing behind, and thousands of
 * operations on one large map do not copy it each; fast-json-patch would need a deep copy first.
 */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  checkDepth(patch);
  const operations = checkOperations(patch);
  const work: Work = { own: new Set(), copiedBytes: 0 };
  let patched = document;
  for (const operation of operations) patched = apply(patched, operation, work);
  return patched;
}

interface Work {
  /** Objects and lists that this patch made, each in one place: they may be changed. */
  readonly own: Set<unknown>;
  copiedBytes: number;
}

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from: readonly string[];
  readonly value: unknown;
}

/** As upstream. */
const OPERATIONS_MAX = 10_000;
/** What all of `copy` may add, in JSON. Upstream's, which is the largest request body, too. */
const COPIED_BYTES_MAX = 3 * 1024 * 1024;
const OPERATION_NAMES = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

function checkOperations(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    const type = patch === null ? 'null' : typeof patch;
    throw badRequest(`json: cannot unmarshal ${type} into Go value of type jsonpatch.Patch`);
  }
  if (patch.length > OPERATIONS_MAX) {
    throw new ApiError({
      message:
        `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, ` +
        `got ${patch.length}`,
      reason: 'RequestEntityTooLarge',
      code: 413,
    });
  }
  return patch.map(checkOperation);
}

function checkOperation(operation: unknown): Operation {
  if (!isJsonObject(operation)) throw badRequest('Invalid JSON patch: an operation is no object');
  const { op, path, from } = operation;
  if (typeof op !== 'string' || !OPERATION_NAMES.has(op)) {
    throw badRequest(`Unexpected kind: ${String(op)}`);
  }
  const needsFrom = op === 'move' || op === 'copy';
  const needsValue = op === 'add' || op === 'replace';
  if (needsValue && !Object.hasOwn(operation, 'value')) {
    throw badRequest(`Invalid JSON patch: operation "${op}" has no value`);
  }
  return {
    op,
    path: parsePointer(path),
    from: needsFrom ? parsePointer(from) : [],
    value: operation.value ?? null,
  };
}

function parsePointer(pointer: unknown): string[] {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) {
    throw badRequest(`Invalid JSON patch: ${JSON.stringify(pointer)} is no JSON pointer`);
  }
  const steps = pointer.split('/').slice(1);
  if (steps.length > DEPTH_MAX) throw badRequest('json: exceeded max depth');
  return steps.map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function apply(document: unknown, operation: Operation, work: Work): unknown {
  const { op, path, from, value } = operation;
  switch (op) {
    case 'add':
      return add(document, path, value, work);
    case 'remove':
      return remove(document, path, work);
    case 'replace':
      return replace(document, path, value, work);
    case 'move':
      return move(document, from, path, work);
    case 'copy':
      return add(document, path, copyOf(mustGet(document, from), work), work);
    default:
      return test(document, path, value);
  }
}

/** Not the same value: what is changed in one place later must not change in the other. */
function copyOf(value: unknown, work: Work): unknown {
  const json = JSON.stringify(value);
  work.copiedBytes += Buffer.byteLength(json);
  if (work.copiedBytes > COPIED_BYTES_MAX) {
    throw unprocessable(
      'Unable to complete the copy, the accumulated size increase of copy is ' +
        `${work.copiedBytes}, exceeding the limit ${COPIED_BYTES_MAX}`,
    );
  }
  return JSON.parse(json);
}

function test(document: unknown, path: readonly string[], value: unknown): unknown {
  // What is not there equals null, as upstream's library has it.
  if (jsonEqual(get(document, path) ?? null, value)) return document;
  throw unprocessable(`testing path ${shown(path)} failed: value is not the one wanted`);
}

function move(
  document: unknown,
  from: readonly string[],
  path: readonly string[],
  work: Work,
): unknown {
  if (path.length > from.length && from.every((step, i) => path[i] === step)) {
    throw unprocessable(`Cannot move ${shown(from)} into itself`);
  }
  const moved = mustGet(document, from);
  return add(remove(document, from, work), path, moved, work);
}

function add(document: unknown, path: readonly string[], value: unknown, work: Work): unknown {
  if (path.length === 0) return value;
  return change(document, path, work, (parent, step) => {
    if (!Array.isArray(parent)) return setKey(parent, step, value);
    const index = step === '-' ? parent.length : arrayIndex(step, parent.length + 1, path);
    parent.splice(index, 0, value);
  });
}

function replace(document: unknown, path: readonly string[], value: unknown, work: Work): unknown {
  mustGet(document, path);
  if (path.length === 0) return value;
  return change(document, path, work, (parent, step) => {
    if (Array.isArray(parent)) parent[Number(step)] = value;
    else setKey(parent, step, value);
  });
}

function remove(document: unknown, path: readonly string[], work: Work): unknown {
  mustGet(document, path);
  if (path.length === 0) return null;
  return change(document, path, work, (parent, step) => {
    if (Array.isArray(parent)) parent.splice(Number(step), 1);
    else delete parent[step];
  });
}

type Container = Record<string, unknown> | unknown[];

/** The document with the container that `path` leads into changed by `edit`. */
function change(
  document: unknown,
  path: readonly string[],
  work: Work,
  edit: (parent: Container, step: string) => void,
): unknown {
  const root = ownContainer(document, path, work);
  let parent = root;
  for (const step of path.slice(0, -1)) {
    const child = get(parent, [step]);
    const owned = ownContainer(child, path, work);
    if (owned !== child) {
      if (Array.isArray(parent)) parent[Number(step)] = owned;
      else setKey(parent, step, owned);
    }
    parent = owned;
  }
  edit(parent, path.at(-1) ?? '');
  return root;
}

function ownContainer(value: unknown, path: readonly string[], { own }: Work): Container {
  if (!Array.isArray(value) && !isJsonObject(value)) throw missing(path);
  if (own.has(value)) return value as Container;
  const copy: Container = Array.isArray(value) ? [...value] : { ...value };
  own.add(copy);
  return copy;
}

/** The value at a path; undefined when there is none. */
function get(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const step of path) {
    if (Array.isArray(value)) value = INDEX.test(step) ? value[Number(step)] : undefined;
    else if (isJsonObject(value) && Object.hasOwn(value, step)) value = value[step];
    else return undefined;
  }
  return value;
}

function mustGet(document: unknown, path: readonly string[]): unknown {
  const value = get(document, path);
  if (value === undefined) throw missing(path);
  return value;
}

const INDEX = /^(?:0|[1-9][0-9]{0,9})$/;

function arrayIndex(step: string, length: number, path: readonly string[]): number {
  const index = INDEX.test(step) ? Number(step) : length;
  if (index >= length) throw missing(path);
  return index;
}

function missing(path: readonly string[]): Error {
  return unprocessable(`missing path: ${shown(path)}`);
}

function shown(path: readonly string[]): string {
  return JSON.stringify(`/${path.join('/')}`);
}
