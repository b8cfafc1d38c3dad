import type { KubeObject, Schema } from 'kernetes/sdk';
import { appliedFields } from './applied-fields.ts';
import { compareObjects, type SkippedFields } from './compare.ts';
import { difference, type FieldSet, LEAF } from './field-set.ts';
import { isStruct } from './structure.ts';

/**
 * Where client-side apply keeps its configuration. Who goes on as `kubectl` on the server has what
 * it says, and keeps it up to date, so that one can go back.
 */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export const KUBECTL = 'kubectl';

/** The fields that client-side apply set and nobody has changed since. */
export function lastAppliedFields(
  live: KubeObject,
  options: { readonly schema: Schema; readonly apiVersion: string; readonly skip: SkippedFields },
): FieldSet {
  const { schema, apiVersion, skip } = options;
  const config = parse(live.metadata.annotations?.[LAST_APPLIED]);
  if (config?.apiVersion !== apiVersion) return LEAF;
  const { changed, removed } = compareObjects(config, live, { schema, skip });
  return difference(difference(appliedFields(config, schema), changed), removed);
}

/** The object with its annotation, if it has one, set to the configuration. */
export function withLastApplied(object: KubeObject, config: KubeObject): KubeObject {
  const { metadata } = object;
  if (!metadata.annotations?.[LAST_APPLIED]) return object;
  const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations;
  const value = `${JSON.stringify(withoutLastApplied(config))}\n`;
  if (sizeOf(annotations) + LAST_APPLIED.length + value.length <= ANNOTATIONS_SIZE_MAX) {
    annotations[LAST_APPLIED] = value;
  }
  return { ...object, metadata: { ...metadata, annotations } };
}

function withoutLastApplied(config: KubeObject): KubeObject {
  const { annotations } = config.metadata;
  if (annotations?.[LAST_APPLIED] === undefined) return config;
  const { [LAST_APPLIED]: _, ...others } = annotations;
  return { ...config, metadata: { ...config.metadata, annotations: others } };
}

function parse(text: string | undefined): KubeObject | undefined {
  if (!text) return undefined;
  try {
    const config: unknown = JSON.parse(text);
    return isStruct(config) ? (config as unknown as KubeObject) : undefined;
  } catch {
    // Anybody can write annotations: what cannot be read vouches for no field.
    return undefined;
  }
}

function sizeOf(annotations: Readonly<Record<string, string>>): number {
  return Object.entries(annotations).reduce((sum, pair) => sum + pair.join('').length, 0);
}

/** Of all keys and values together: upstream's 256 KiB. */
const ANNOTATIONS_SIZE_MAX = 256 * 1024;
