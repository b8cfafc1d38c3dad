import { ApiError, badRequest } from 'kernetes/sdk';
import {
  checkDepth,
  DEPTH_MAX,
  isJsonObject,
  type JsonObject,
  jsonEqual,
  unprocessable,
  withKey,
  withoutKey,
} from './json.ts';

/**
 * JSON patch (RFC 6902). Each operation makes a new document that shares with the old one all that
 * is off its path, so a frozen document can be patched, and one that fails half-way leaves nothing
 * behind; fast-json-patch would need a deep copy first.
 */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  checkDepth(patch);
  const operations = checkOperations(patch);
  const budget = { copied: 0 };
  let patched = document;
  for (const operation of operations) patched = apply(patched, operation, budget);
  return patched;
}

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from: readonly string[];
  readonly value: unknown;
}

/** As upstream. */
const OPERATIONS_MAX = 10_000;
/** Characters of JSON that `copy` may add: ten times the largest request body. */
const COPIED_LENGTH_MAX = 30 * 1024 * 1024;
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

function apply(document: unknown, operation: Operation, budget: { copied: number }): unknown {
  const { op, path, from, value } = operation;
  switch (op) {
    case 'add':
      return add(document, path, value);
    case 'remove':
      return remove(document, path);
    case 'replace':
      return replace(document, path, value);
    case 'move':
      return move(document, from, path);
    case 'copy': {
      const copied = mustGet(document, from);
      budget.copied += JSON.stringify(copied).length;
      if (budget.copied > COPIED_LENGTH_MAX) throw unprocessable('Copied values are too large');
      return add(document, path, copied);
    }
    default:
      return test(document, path, value);
  }
}

function test(document: unknown, path: readonly string[], value: unknown): unknown {
  // What is not there equals null, as upstream's library has it.
  if (jsonEqual(get(document, path) ?? null, value)) return document;
  throw unprocessable(`testing path ${shown(path)} failed: value is not the one wanted`);
}

function move(document: unknown, from: readonly string[], path: readonly string[]): unknown {
  if (path.length > from.length && from.every((step, i) => path[i] === step)) {
    throw unprocessable(`Cannot move ${shown(from)} into itself`);
  }
  return add(remove(document, from), path, mustGet(document, from));
}

function add(document: unknown, path: readonly string[], value: unknown): unknown {
  return change(
    document,
    path,
    (parent, step) => {
      if (!Array.isArray(parent)) return withKey(parent, step, value);
      const index = step === '-' ? parent.length : arrayIndex(step, parent.length + 1, path);
      return parent.toSpliced(index, 0, value);
    },
    value,
  );
}

function replace(document: unknown, path: readonly string[], value: unknown): unknown {
  mustGet(document, path);
  return change(
    document,
    path,
    (parent, step) => {
      return Array.isArray(parent)
        ? parent.with(Number(step), value)
        : withKey(parent, step, value);
    },
    value,
  );
}

function remove(document: unknown, path: readonly string[]): unknown {
  mustGet(document, path);
  return change(
    document,
    path,
    (parent, step) => {
      return Array.isArray(parent) ? parent.toSpliced(Number(step), 1) : withoutKey(parent, step);
    },
    null,
  );
}

/** A new document in which the container that `path` leads to is what `edit` makes of it. */
function change(
  document: unknown,
  path: readonly string[],
  edit: (parent: JsonObject | unknown[], step: string) => unknown,
  whole: unknown,
): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return whole;
  if (!Array.isArray(document) && !isJsonObject(document)) throw missing(path);
  if (rest.length === 0) return edit(document, step);
  const child = get(document, [step]);
  if (child === undefined) throw missing(path);
  const changed = change(child, rest, edit, whole);
  return Array.isArray(document)
    ? document.with(Number(step), changed)
    : withKey(document as JsonObject, step, changed);
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
