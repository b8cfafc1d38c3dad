import { isDeepStrictEqual } from 'node:util';
import { type Clock, toTime } from '../clock.ts';
import { type KubeObject, keyOf } from '../kind.ts';
import { type Random, randomSuffix } from '../random.ts';
import type { Fence, ObjectRequest, RequestOptions, WatchEvent } from '../request.ts';
import { parseFieldSelector, parseLabelSelector } from '../selector.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  type ErrorSubject,
  methodNotAllowed,
  notFound,
} from '../status.ts';

/** An object changed; `old` is absent when it is new, `object` is the last state when it is gone. */
export interface TestChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly subject: ErrorSubject;
  readonly object: KubeObject;
  readonly old: KubeObject | undefined;
}

/** The objects of a test kernel, and what a request does to them. */
export class TestStore {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #onChange: (change: TestChange) => void;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  /** The revision of the last change of each resource. */
  readonly #changedAt = new Map<string, number>();
  #revision = 1;

  constructor(
    options: { readonly clock: Clock; readonly random: Random },
    onChange: (change: TestChange) => void,
  ) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#onChange = onChange;
  }

  get revision(): string {
    return String(this.#revision);
  }

  all(subject: ErrorSubject): KubeObject[] {
    const byKey = [...(this.#objects.get(idOf(subject)) ?? [])];
    return byKey.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  get(subject: ErrorSubject, key: string): KubeObject | undefined {
    return this.#objects.get(idOf(subject))?.get(key);
  }

  /** Whether the resource has changed since. */
  hasChangedSince(subject: ErrorSubject, resourceVersion: string): boolean {
    return (this.#changedAt.get(idOf(subject)) ?? 0) > Number(resourceVersion);
  }

  /** Does it, or throws an `ApiError`. */
  request(request: ObjectRequest): unknown {
    if (request.fence) this.#checkFence(request, request.fence);
    switch (request.verb) {
      case 'get':
        return this.#existing(request);
      case 'list':
        return this.#list(request);
      case 'create':
        return this.#create(request);
      case 'update':
        return this.#update(request, structuredClone(request.body) as KubeObject);
      case 'patch':
        return this.#patch(request);
      case 'delete':
        return this.#delete(request);
      case 'deletecollection':
        return this.#deleteCollection(request);
    }
  }

  #checkFence(request: ObjectRequest, fence: Fence): void {
    const found = this.get(fence, keyIn(fence));
    const holds = Object.entries(fence.fields).every(([path, value]) => {
      return found !== undefined && textAt(found, path) === String(value);
    });
    if (holds && found?.metadata.uid === fence.uid) return;
    const text = `the write is fenced by ${fence.resource} "${keyIn(fence)}", which has changed`;
    throw conflict(request, request.name ?? '', text);
  }

  #existing(request: ObjectRequest): KubeObject {
    const object = this.get(request, keyIn(request));
    if (!object) throw notFound(request, request.name ?? '');
    return object;
  }

  #list(request: ObjectRequest) {
    const items = this.all(request).filter(selects(request.namespace, request.options));
    const limit = request.options?.limit || items.length;
    return { metadata: { resourceVersion: this.revision }, items: items.slice(0, limit) };
  }

  #create(request: ObjectRequest): KubeObject {
    if (request.subresource) throw methodNotAllowed();
    const object = structuredClone(request.body) as KubeObject;
    const { generateName } = object.metadata;
    const name = object.metadata.name || (generateName ?? '') + randomSuffix(this.#random, 5);
    const { namespace = object.metadata.namespace } = request;
    object.metadata = {
      generation: 1,
      creationTimestamp: toTime(this.#clock.now()),
      ...object.metadata,
      name,
      ...(namespace && { namespace }),
      uid: object.metadata.uid ?? this.#random.uuid(),
    };
    if (this.#objects.get(idOf(request))?.has(keyOf(object))) throw alreadyExists(request, name);
    return this.#commit('ADDED', request, object);
  }

  #update(request: ObjectRequest, wanted: KubeObject): KubeObject {
    const old = this.#existing(request);
    const name = request.name ?? '';
    const { resourceVersion, uid } = wanted.metadata;
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) {
      throw conflict(request, name);
    }
    if (uid && uid !== old.metadata.uid) throw conflict(request, name, 'the UID does not match');
    const object = this.#merged(request.subresource, old, wanted);
    if (isDeepStrictEqual(object, old)) return old;
    return this.#finish(request, object, old);
  }

  /** The status subresource changes the status alone; the object itself, all but the status. */
  #merged(subresource: string | undefined, old: KubeObject, wanted: KubeObject): KubeObject {
    if (subresource === 'status' || subresource === 'approval') {
      return { ...old, ...pick(wanted, 'status') };
    }
    if (subresource === 'finalize') return { ...old, ...pick(wanted, 'spec') };
    if (subresource) throw methodNotAllowed();
    const { status: _, ...rest } = wanted as KubeObject & { status?: unknown };
    const { uid, creationTimestamp, deletionTimestamp, resourceVersion } = old.metadata;
    const generation =
      (old.metadata.generation ?? 0) + (isDeepStrictEqual(specOf(old), specOf(rest)) ? 0 : 1);
    const kept = { uid, creationTimestamp, deletionTimestamp, resourceVersion, generation };
    const metadata = { ...rest.metadata, ...dropUndefined(kept) };
    return { ...rest, ...pick(old, 'status'), metadata };
  }

  #patch(request: ObjectRequest): KubeObject {
    const type = request.patchType ?? '';
    if (
      !['application/merge-patch+json', 'application/strategic-merge-patch+json'].includes(type)
    ) {
      throw badRequest(`the test kernel does not apply "${type}"`);
    }
    const old = this.#existing(request);
    return this.#update(request, mergePatch(old, request.body) as KubeObject);
  }

  #delete(request: ObjectRequest): unknown {
    const old = this.#existing(request);
    const options = (request.body ?? {}) as DeleteBody;
    const { uid, resourceVersion } = options.preconditions ?? {};
    const { metadata } = old;
    if (uid && uid !== metadata.uid) throw conflict(request, request.name ?? '');
    if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
      throw conflict(request, request.name ?? '');
    }
    const added = FINALIZER_OF[options.propagationPolicy ?? ''];
    const finalizers = [...(metadata.finalizers ?? [])];
    if (added && !finalizers.includes(added)) finalizers.push(added);
    const now = toTime(this.#clock.now());
    const { deletionTimestamp = now } = metadata;
    const object = {
      ...old,
      metadata: { ...metadata, deletionTimestamp, ...(finalizers.length > 0 && { finalizers }) },
    };
    if (isDeepStrictEqual(object, old)) return old;
    return this.#finish(request, object, old);
  }

  #deleteCollection(request: ObjectRequest): unknown {
    const { options: _, ...rest } = request;
    for (const object of this.all(request).filter(selects(request.namespace, request.options))) {
      const { namespace, name = '' } = object.metadata;
      this.#delete({ ...rest, verb: 'delete', ...(namespace && { namespace }), name });
    }
    return { kind: 'Status', apiVersion: 'v1', status: 'Success' };
  }

  /** An object that is deleted goes when nothing holds it any more. */
  #finish(subject: ObjectRequest, object: KubeObject, old: KubeObject): KubeObject {
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const held = finalizers.length > 0 || (specOf(object)?.finalizers?.length ?? 0) > 0;
    return this.#commit(deletionTimestamp && !held ? 'DELETED' : 'MODIFIED', subject, object, old);
  }

  #commit(
    type: TestChange['type'],
    subject: ErrorSubject,
    draft: KubeObject,
    old?: KubeObject,
  ): KubeObject {
    const resourceVersion = String(++this.#revision);
    this.#changedAt.set(idOf(subject), this.#revision);
    const object = freeze({ ...draft, metadata: { ...draft.metadata, resourceVersion } });
    let objects = this.#objects.get(idOf(subject));
    if (!objects) {
      objects = new Map();
      this.#objects.set(idOf(subject), objects);
    }
    if (type === 'DELETED') objects.delete(keyOf(object));
    else objects.set(keyOf(object), object);
    this.#onChange({ type, subject, object, old });
    return object;
  }
}

/** What a watcher with selectors sees of a change. */
export function eventFor(
  change: TestChange,
  matches: (object: KubeObject) => boolean,
): WatchEvent<KubeObject> | undefined {
  const { object, old } = change;
  const before = old !== undefined && matches(old);
  const after = change.type !== 'DELETED' && matches(object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', object };
  return before ? { type: 'DELETED', object } : undefined;
}

/** Whether an object is in the namespace and has what the selectors ask for. */
export function selects(
  namespace: string | undefined,
  options: Pick<RequestOptions, 'labelSelector' | 'fieldSelector'> & { name?: string } = {},
): (object: KubeObject) => boolean {
  const labels = options.labelSelector ? parseLabelSelector(options.labelSelector) : undefined;
  const fields = options.fieldSelector ? parseFieldSelector(options.fieldSelector) : [];
  return object =>
    (!namespace || object.metadata.namespace === namespace) &&
    (!options.name || object.metadata.name === options.name) &&
    (!labels || labels.matches(object.metadata.labels ?? {})) &&
    fields.every(
      ({ field, operator, value }) => (textAt(object, field) === value) === (operator === '='),
    );
}

interface DeleteBody {
  readonly propagationPolicy?: string;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

const FINALIZER_OF: Readonly<Record<string, string>> = {
  Foreground: 'foregroundDeletion',
  Orphan: 'orphan',
};

function idOf({ group, resource }: ErrorSubject): string {
  return `${resource}.${group}`;
}

function keyIn({ namespace, name = '' }: Pick<ObjectRequest, 'namespace' | 'name'>): string {
  return namespace ? `${namespace}/${name}` : name;
}

function specOf(object: object): { finalizers?: unknown[] } | undefined {
  return (object as { spec?: { finalizers?: unknown[] } }).spec;
}

function textAt(object: unknown, path: string): string {
  let value = object;
  for (const field of path.split('.')) value = (value as Record<string, unknown>)?.[field];
  return value === undefined ? '' : String(value);
}

function pick(object: object, field: string): Record<string, unknown> {
  const value = (object as Record<string, unknown>)[field];
  return value === undefined ? {} : { [field]: value };
}

function dropUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

/** RFC 7396; and of strategic patches, what takes elements out of a list of strings. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === 'object' && target !== null && !Array.isArray(target);
  const merged: Record<string, unknown> = isObject ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else if (field.startsWith(DELETE_FROM_LIST)) takeOut(merged, field, value as unknown[]);
    else merged[field] = mergePatch(merged[field], value);
  }
  return merged;
}

const DELETE_FROM_LIST = '$deleteFromPrimitiveList/';

function takeOut(target: Record<string, unknown>, field: string, elements: unknown[]): void {
  const name = field.slice(DELETE_FROM_LIST.length);
  const list = (target[name] ?? []) as unknown[];
  const rest = list.filter(element => !elements.includes(element));
  if (rest.length > 0) target[name] = rest;
  else delete target[name];
}

/** Whoever changes a shared object is found out. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) freeze(child);
  }
  return value;
}
