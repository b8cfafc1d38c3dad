/**
 * A set of paths into an object, as FieldsV1 writes it: a tree whose keys are steps (`f:name` a
 * field, `k:{…}` an element of a list by its keys, `v:…` an element by its value). A node is in the
 * set when it has no children, or has the child `.`.
 *
 * Trees are worked on as they stand in objects, never decoded into something else and back; they
 * are immutable, and results share with arguments, so a write costs what it changes.
 */
export interface FieldSet {
  readonly [step: string]: FieldSet;
}

/** The node of a path without others below; as a root, the empty set. */
export const LEAF: FieldSet = Object.freeze({});

/**
 * The step of a field. From a table: a string made anew each time would have to be hashed and found
 * among all property names each time, which costs more than the rest of a comparison.
 */
export function fieldStep(name: string): string {
  const known = steps.get(name);
  if (known !== undefined) return known;
  if (steps.size >= STEPS_MAX) steps.clear();
  const step = `f:${name}`;
  steps.set(name, step);
  return step;
}

/** All field names of all kinds are about half as many; the rest are keys of maps. */
const STEPS_MAX = 4096;
const steps = new Map<string, string>();

/** A tree in the making. */
export type FieldSetDraft = Record<string, FieldSet>;

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** What is in one of two trees (roots or nodes). */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  let result: FieldSetDraft | undefined;
  for (const step in b) {
    const [ours, theirs] = [a[step], b[step] as FieldSet];
    const merged = ours === undefined ? theirs : unionNodes(ours, theirs);
    if (merged === ours) continue;
    result ??= { ...a };
    result[step] = merged;
  }
  return result ?? a;
}

/** What is in `a` and not in `b`; `a` itself when nothing of it is in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  let touches = false;
  for (const step in b) if (a[step] !== undefined) touches = true;
  if (!touches) return a;
  // Built up rather than cut down: a `delete` would make every later access slow.
  const result: FieldSetDraft = {};
  let same = true;
  for (const step in a) {
    const ours = a[step] as FieldSet;
    const theirs = b[step];
    const left =
      theirs === undefined ? ours : step === '.' ? undefined : differenceNodes(ours, theirs);
    if (left !== ours) same = false;
    if (left !== undefined) result[step] = left;
  }
  return same ? a : result;
}

/** What is in both of two trees (roots or nodes). */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSetDraft = {};
  for (const step in a) {
    const [ours, theirs] = [a[step] as FieldSet, b[step]];
    if (theirs === undefined) continue;
    const below = intersection(ours, theirs);
    if (!isMember(ours) || !isMember(theirs)) {
      if (!isEmptySet(below)) result[step] = below;
    } else {
      result[step] = isEmptySet(below) || below['.'] ? below : { '.': LEAF, ...below };
    }
  }
  return result;
}

/** Whether the path of a node, not only paths below it, is in the set. Not for roots. */
export function isMember(node: FieldSet): boolean {
  return node['.'] !== undefined || isEmptySet(node);
}

/** Whether a value that came from outside is a tree of this form. */
export function isFieldSet(value: unknown, depth = 0): value is FieldSet {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (depth > DEPTH_MAX) return false;
  return Object.entries(value).every(([step, child]) => {
    return STEP.test(step) && isFieldSet(child, depth + 1);
  });
}

const DEPTH_MAX = 500;
const STEP = /^(?:\.$|[fkvi]:)/;

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  // A leaf is in the set; where the other has children, `.` must say so.
  if (isEmptySet(a)) return isEmptySet(b) || b['.'] !== undefined ? b : { '.': LEAF, ...b };
  if (isEmptySet(b)) return a['.'] !== undefined ? a : { '.': LEAF, ...a };
  return union(a, b);
}

/** Undefined: nothing is left. */
function differenceNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  if (isEmptySet(a)) return isEmptySet(b) || b['.'] !== undefined ? undefined : a;
  if (isEmptySet(b)) {
    if (a['.'] === undefined) return a;
    const { '.': _, ...rest } = a;
    return isEmptySet(rest) ? undefined : rest;
  }
  const left = difference(a, b);
  return isEmptySet(left) ? undefined : left;
}
