import {
  type HorizontalPodAutoscalerBehavior,
  type Schema,
  type StringMap,
  schemaById,
} from 'kernetes/sdk';
import { fits } from './fits.ts';

/** What a version has no field for travels in these, as JSON. The names are upstream's. */
export const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';
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

/** A list of what is defined so; anything else is nonsense too. */
export function takeList<T extends object>(
  annotations: StringMap,
  key: string,
  definition: string,
): T[] | undefined {
  const kept = { ...annotations };
  const list = takeAnnotation<unknown>(kept, key);
  const schema = schemaOf(definition);
  if (!Array.isArray(list) || !list.every(item => fits(item, schema))) return undefined;
  delete annotations[key];
  return list as T[];
}

/** With Go's own names of the fields, and null where there is nothing: that is what upstream writes. */
export function behaviorAnnotation(
  behavior: HorizontalPodAutoscalerBehavior | undefined,
): StringMap {
  if (!behavior) return {};
  const [up, down] = [behavior.scaleUp, behavior.scaleDown].map(
    rules =>
      rules && {
        stabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
        selectPolicy: rules.selectPolicy ?? null,
        policies:
          rules.policies?.map(({ type, value, periodSeconds }) => ({
            type,
            value,
            periodSeconds,
          })) ?? null,
        ...(rules.tolerance !== undefined && { tolerance: rules.tolerance }),
      },
  );
  const named = renamed({ scaleUp: up ?? null, scaleDown: down ?? null }, toUpper);
  return { [BEHAVIOR]: JSON.stringify(named) };
}

/** Go reads names in any case. */
export function takeBehavior(annotations: StringMap): HorizontalPodAutoscalerBehavior | undefined {
  const found = takeAnnotation<unknown>(annotations, BEHAVIOR);
  const behavior = renamed(found, toLower);
  if (!fits(behavior, schemaOf('v2.HorizontalPodAutoscalerBehavior'))) return undefined;
  const rules = behavior as HorizontalPodAutoscalerBehavior;
  return Object.keys(rules).length > 0 ? rules : undefined;
}

function schemaOf(definition: string): Schema {
  const id = `io.k8s.api.autoscaling.${definition}`;
  const schema = schemaById(id);
  if (schema === undefined) throw new Error(`Cannot find definition ${id}`);
  return schema;
}

/** With other names of all fields; when they are read, nulls are left out. */
function renamed(value: unknown, rename: (first: string) => string): unknown {
  if (Array.isArray(value)) return value.map(item => renamed(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([, member]) => rename === toUpper || member !== null)
    .map(([name, member]) => [rename(name.charAt(0)) + name.slice(1), renamed(member, rename)]);
  return Object.fromEntries(entries);
}

function toUpper(first: string): string {
  return first.toUpperCase();
}

function toLower(first: string): string {
  return first.toLowerCase();
}
