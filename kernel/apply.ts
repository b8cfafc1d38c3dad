import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { apiVersionOf, type KubeObject } from '../sdk/kind.ts';
import type { KindDefinition, KindVersion } from '../sdk/kind-definition.ts';
import type { ObjectClient } from '../sdk/objects.ts';
import type { ObjectRequest } from '../sdk/request.ts';
import { ApiError } from '../sdk/status.ts';
import { Limits } from './limits.ts';
import { threeWayMerge } from './three-way-merge.ts';

export interface ApplyOptions {
  readonly objects: ObjectClient;
  /** What the cluster serves. */
  readonly kinds: () => readonly KindDefinition[];
  /** Where an object goes that names no namespace. */
  readonly namespace: string;
}

/**
 * Makes the cluster have what a manifest says, one object after the other, as `kubectl apply` does
 * and in a way that it can go on with. Returns the objects as they are then.
 */
export async function applyAll(manifest: Manifest, options: ApplyOptions): Promise<KubeObject[]> {
  const applied: KubeObject[] = [];
  for (const object of readManifests(manifest)) applied.push(await apply(object, options));
  return applied;
}

/** YAML or JSON text with any number of documents, or objects; a `List` counts for its items. */
export type Manifest = string | object | readonly object[];

function readManifests(manifest: Manifest): KubeObject[] {
  const documents = typeof manifest === 'string' ? parseText(manifest) : [manifest].flat();
  return documents.flatMap(toObjects);
}

function parseText(text: string): unknown[] {
  return parseAllDocuments(text).map(document => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`Cannot read the manifest: ${firstLine(error)}`);
    return document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown;
  });
}

function toObjects(document: unknown): KubeObject[] {
  if (document === null || document === undefined) return [];
  const { apiVersion, kind, items, metadata } = document as Partial<KubeObject> & {
    items?: unknown[];
  };
  if (typeof document !== 'object' || !apiVersion || !kind) {
    throw new Error('Cannot apply a document: apiVersion or kind is not set');
  }
  if (kind.endsWith('List') && Array.isArray(items)) return items.flatMap(toObjects);
  if (!metadata?.name) throw new Error(`Cannot apply a ${kind}: metadata.name is not set`);
  return [document as KubeObject];
}

async function apply(given: KubeObject, options: ApplyOptions): Promise<KubeObject> {
  const target = targetOf(given, options);
  const wanted = withLastApplied(given, target.namespace);
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyOnce(wanted, target, options.objects);
    } catch (error) {
      // Somebody was faster: look again at what is there.
      const lost = ApiError.is(error, 'Conflict') || ApiError.is(error, 'AlreadyExists');
      if (!lost || attempt === Limits.writeAttemptsMax) throw error;
    }
  }
}

async function applyOnce(
  wanted: KubeObject,
  { version, namespace, ...path }: Target,
  objects: ObjectClient,
): Promise<KubeObject> {
  const send = (verb: ObjectRequest['verb'], rest: Partial<ObjectRequest>) =>
    objects.request<KubeObject>({
      ...path,
      verb,
      version: version.name,
      ...(namespace && { namespace }),
      ...rest,
    });
  const { name = '' } = wanted.metadata;
  const live = await send('get', { name }).catch((error: unknown) => {
    if (ApiError.is(error, 'NotFound')) return undefined;
    throw error;
  });
  if (live === undefined) return send('create', { body: wanted, options: MANAGER });
  const last = lastApplied(live);
  const merged = threeWayMerge({ wanted, last, live }, version.schema) as KubeObject;
  if (isDeepStrictEqual(merged, live)) return live;
  return send('update', { name, body: merged, options: MANAGER });
}

interface Target {
  readonly group: string;
  readonly resource: string;
  readonly version: KindVersion;
  readonly namespace: string | undefined;
}

function targetOf({ apiVersion = '', kind, metadata }: KubeObject, options: ApplyOptions): Target {
  for (const each of options.kinds()) {
    if (each.kind !== kind) continue;
    const { group, resource, namespaced } = each;
    const version = each.versions.find(
      ({ name }) => apiVersionOf({ group, version: name }) === apiVersion,
    );
    if (version === undefined) continue;
    const namespace = namespaced ? metadata.namespace || options.namespace : undefined;
    return { group, resource, version, namespace };
  }
  throw new Error(
    `Cannot apply ${kind} "${metadata.name}": no kind ${kind} of ${apiVersion} is served`,
  );
}

function withLastApplied(given: KubeObject, namespace: string | undefined): KubeObject {
  const annotations = { ...given.metadata.annotations };
  delete annotations[LAST_APPLIED];
  const metadata = { ...given.metadata, ...(namespace && { namespace }), annotations };
  const plain = { ...given, metadata };
  const text = `${JSON.stringify(plain)}\n`;
  return {
    ...plain,
    metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: text } },
  };
}

/** Nothing, for an object that was made by other means: then nothing is taken away from it. */
function lastApplied({ metadata }: KubeObject): unknown {
  const text = metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function firstLine({ message }: Error): string {
  return message.split('\n', 1)[0] ?? '';
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** The owner of what is applied: kubectl's own name, so that it can go on. */
const MANAGER = { fieldManager: 'kubectl-client-side-apply' };
/** A manifest of a few bytes must not unfold to gigabytes. */
const ALIASES_MAX = 100;
