import type { KubeObject } from '../kind.ts';
import type { ErrorSubject } from '../status.ts';
import { claimEvaluator } from './claim-usage.ts';
import { podEvaluator } from './pod-usage.ts';
import type { Scopes } from './scopes.ts';
import { serviceEvaluator } from './service-usage.ts';
import { countOf, type Usage } from './usage.ts';

/** What quotas can say of the objects of one kind. Pure. */
export interface QuotaEvaluator<T extends KubeObject = KubeObject> {
  /** The fields of an object that the others look at, for `InformerOptions.fields`. */
  readonly fields: readonly string[];
  /** Whether an update can raise what an object uses. */
  readonly watchesUpdates: boolean;
  /** Whether a name in a quota's `hard` is about this kind. */
  counts(name: string): boolean;
  /** What the object uses, by all names that a quota could have for it. */
  usage(object: T, now: number): Usage;
  /** The scopes that it is in. Absent: no quota with a scope is about this kind. */
  readonly scopes?: (object: T) => Scopes;
  /** What the object must say and does not, as a text; '' if nothing. */
  readonly missing?: (object: T, names: readonly string[]) => string;
}

/** Undefined for what quotas are never about. The same kind gives the same object each time. */
export function quotaEvaluator(subject: ErrorSubject): QuotaEvaluator | undefined {
  const id = quotaCountName(subject);
  const known = evaluators.get(id);
  if (known !== undefined || IGNORED.has(id)) return known;
  const made = countEvaluator(id);
  if (evaluators.size < EVALUATORS_MAX) evaluators.set(id, made);
  return made;
}

/** `count/pods`, `count/deployments.apps`: what counts the stored objects of a kind. */
export function quotaCountName({ group, resource }: ErrorSubject): string {
  return group ? `count/${resource}.${group}` : `count/${resource}`;
}

/** `alias`: the older name for the same. */
function countEvaluator(name: string, alias = name): QuotaEvaluator {
  const usage: Usage = new Map([name, alias].map(each => [each, countOf(1)]));
  return {
    fields: [],
    watchesUpdates: false,
    counts: each => each === name || each === alias,
    usage: () => usage,
  };
}

/** What is not stored, and events, which come and go by themselves. */
const IGNORED = new Set([
  'count/bindings',
  'count/componentstatuses',
  'count/events',
  'count/events.events.k8s.io',
  'count/tokenreviews.authentication.k8s.io',
  'count/selfsubjectreviews.authentication.k8s.io',
  'count/subjectaccessreviews.authorization.k8s.io',
  'count/selfsubjectaccessreviews.authorization.k8s.io',
  'count/localsubjectaccessreviews.authorization.k8s.io',
  'count/selfsubjectrulesreviews.authorization.k8s.io',
]);
const ALIASES = ['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'];
/** More kinds than any cluster serves; those beyond are made anew each time. */
const EVALUATORS_MAX = 10_000;
const evaluators = new Map<string, QuotaEvaluator>([
  ['count/pods', podEvaluator as QuotaEvaluator],
  ['count/services', serviceEvaluator as QuotaEvaluator],
  ['count/persistentvolumeclaims', claimEvaluator as QuotaEvaluator],
  ...ALIASES.map((name): [string, QuotaEvaluator] => [
    `count/${name}`,
    countEvaluator(`count/${name}`, name),
  ]),
]);
