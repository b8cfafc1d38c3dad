/** What clients asked and were told, and what of it fits together. */
export interface History {
  readonly calls: readonly Call[];
  readonly segments: readonly Segment[];
}

export type Call = Write | Get | List;

export interface Timed {
  /** In ticks of one counter. */
  readonly invoked: number;
  /** Infinity: no answer came. */
  readonly returned: number;
}

export interface Version {
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
  readonly data: Data;
}

/** `id` is that of the write which made it. */
export type Data = Readonly<Record<string, string>>;

export interface Write extends Timed {
  readonly type: 'write';
  readonly verb: 'create' | 'update' | 'patch' | 'delete';
  readonly name: string;
  /** No two writes have the same. */
  readonly id: string;
  /** The revision that an update replaces. */
  readonly expected?: number;
  /** All data of what is created or updated; what a patch adds. */
  readonly sets?: Data;
  /** The state it made, the uid that it deleted, or why it was refused; absent: nobody knows. */
  readonly answer?: Version | { readonly deleted: string } | { readonly refused: Refusal };
}

export type Refusal = 'AlreadyExists' | 'Conflict' | 'NotFound';

export interface Get extends Timed {
  readonly type: 'get';
  readonly name: string;
  readonly found?: Version;
}

export interface List extends Timed {
  readonly type: 'list';
  readonly revision: number;
  readonly items: readonly Version[];
}

/** What a watch was told after `since` up to `until`, however often it was taken up again. */
export interface Segment {
  readonly watcher: string;
  /** Empty: of all objects. */
  readonly name: string;
  readonly since: number;
  readonly until: number;
  readonly events: readonly WatchedEvent[];
}

export interface WatchedEvent extends Version {
  readonly type: string;
}

/** A change, by the state that it left or deleted. */
export interface Entry extends Version {
  readonly deleted: boolean;
}

/** What is wrong with a change of one name, after the one before it. */
export function wrongStep(
  before: Entry | undefined,
  after: Entry,
  write: Write,
): string | undefined {
  const { verb, sets = {}, expected } = write;
  if (verb === 'create') {
    if (!isAbsent(before)) return 'it was there already';
    return sameData(after.data, sets) ? undefined : 'it is not what was created';
  }
  if (before === undefined || isAbsent(before)) return 'it was not there';
  if (before.uid !== after.uid) return 'it is another object';
  if (verb === 'delete') return undefined;
  if (verb === 'patch') {
    return sameData(after.data, { ...before.data, ...sets }) ? undefined : 'an update is lost';
  }
  if (before.revision !== expected) return `an update is lost: it replaced ${before.revision}`;
  return sameData(after.data, sets) ? undefined : 'it is not what was written';
}

/** Not all that was between is known. */
export function wrongJump(
  before: Entry | undefined,
  { verb, expected = 0 }: Write,
): string | undefined {
  if (verb !== 'update' || before === undefined || expected >= before.revision) return undefined;
  return `an update is lost: it replaced ${before.revision} or a later one`;
}

export function isRefused(refused: Refusal, write: Write, entry: Entry | undefined): boolean {
  if (refused === 'NotFound') return isAbsent(entry);
  if (refused === 'AlreadyExists') return !isAbsent(entry);
  return write.verb === 'update' && !isAbsent(entry) && entry?.revision !== write.expected;
}

export function isAbsent(entry: Entry | undefined): boolean {
  return entry?.deleted ?? true;
}

export function shows(call: Call, uid: string): boolean {
  if (call.type === 'list') return call.items.some(item => item.uid === uid);
  if (call.type === 'get') return call.found?.uid === uid;
  return call.answer !== undefined && 'uid' in call.answer && call.answer.uid === uid;
}

export function sameEntry(a: Entry, b: Entry): boolean {
  return (
    a.name === b.name && a.uid === b.uid && a.deleted === b.deleted && sameData(a.data, b.data)
  );
}

function sameData(a: Data, b: Data): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key]);
}

export function textOf({ revision, name, deleted, data }: Entry): string {
  return `revision ${revision} (${name} ${deleted ? 'deleted' : data.id})`;
}
