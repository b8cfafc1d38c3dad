import type { KubeObject } from '../../sdk/kind.ts';
import { parseFieldSelector, parseLabelSelector } from '../../sdk/selector.ts';
import { badRequest } from '../../sdk/status.ts';
import type { Served } from './registry.ts';

/** Whether an object is one that the selectors ask for; undefined: all are. */
export function matcherOf(served: Served, options: Selectors): Matcher | undefined {
  const byLabels = options.labelSelector ? labelMatcher(options.labelSelector) : undefined;
  const byFields = options.fieldSelector ? fieldMatcher(served, options.fieldSelector) : undefined;
  if (byLabels && byFields) return object => byFields(object) && byLabels(object);
  return byLabels ?? byFields;
}

export type Matcher = (object: KubeObject) => boolean;

export interface Selectors {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** The name that a field selector asks for, if it can be no other. */
export function exactName(fieldSelector: string | undefined): string {
  if (!fieldSelector?.includes('metadata.name')) return '';
  const found = parseFieldSelector(fieldSelector).find(
    ({ field, operator, value }) => field === 'metadata.name' && operator === '=' && value !== '',
  );
  return found?.value ?? '';
}

function labelMatcher(text: string): Matcher {
  const selector = parseLabelSelector(text);
  return object => selector.matches(object.metadata.labels ?? {});
}

function fieldMatcher(served: Served, text: string): Matcher {
  const tests = parseFieldSelector(text).map(({ field, operator, value }) => {
    const read = fieldReader(served, field);
    return (object: KubeObject) => (read(object) === value) === (operator === '=');
  });
  return object => tests.every(test => test(object));
}

function fieldReader(served: Served, field: string): (object: KubeObject) => string {
  if (field === 'metadata.name') return object => object.metadata.name ?? '';
  if (field === 'metadata.namespace') return object => object.metadata.namespace ?? '';
  const read = served.kind.selectableFields?.[field];
  if (read !== undefined) return read;
  if (served.kind.selectableFields) throw badRequest(`field label not supported: ${field}`);
  throw badRequest(
    `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}
