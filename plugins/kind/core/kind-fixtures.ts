import assert from 'node:assert/strict';
import type { FieldError, KindDefinition, KubeObject, StrategyContext } from 'kernetes/sdk';
import { CORE_KINDS } from './plugin.ts';

/** What the tests of several kinds start from. */

export const NOW = Date.parse('2026-01-01T00:05:00Z');
export const CONTEXT = { clock: { now: () => NOW }, version: 'v1' } as unknown as StrategyContext;
export const META = { name: 'x', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' };

export function kind(resource: string): KindDefinition {
  const found = CORE_KINDS.find(each => each.resource === resource);
  assert.ok(found);
  return found;
}

/** An object with its kind's defaults. */
export function made(resource: string, fields: object): KubeObject {
  const object = structuredClone({ metadata: META, ...fields }) as KubeObject;
  kind(resource).versions[0]?.defaults?.(object);
  return object;
}

export function brief(errors: readonly FieldError[] | undefined): string[] {
  return (errors ?? []).map(({ reason, field }) => `${reason.replace('FieldValue', '')} ${field}`);
}

export const template = {
  metadata: { labels: { a: 'b' } },
  spec: { containers: [{ name: 'c', image: 'i' }] },
};
export const claim = {
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
};
export const volume = {
  capacity: { storage: '1Gi' },
  accessModes: ['ReadWriteOnce'],
  hostPath: { path: '/a' },
};
/** Text as Secrets hold it. */
export const base64 = (text: string) => Buffer.from(text).toString('base64');
