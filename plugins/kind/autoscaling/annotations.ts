import type { StringMap } from 'kernetes/sdk';

/** What a version has no field for travels in these, as JSON. The names are upstream's. */
export const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
export const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';
export const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
export const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';

export function annotation(key: string, value: unknown): StringMap {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return {};
  return { [key]: JSON.stringify(value) };
}

/** Whoever wrote the annotation may have written nonsense: then it stays an annotation. */
export function takeAnnotation<T>(annotations: StringMap, key: string): T | undefined {
  const text = annotations[key];
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as T;
    delete annotations[key];
    return value;
  } catch {
    return undefined;
  }
}
