import type { KubeObject } from 'kernetes/sdk';

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
/** The Deployment's `spec.replicas` when the set was last scaled. */
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
/** The same with the surge. */
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** What old clients set to ask for the template of a revision. */
export const ROLLBACK_TO = 'deprecated.deployment.rollback.to';

/** A Deployment's annotations that say nothing about its ReplicaSets. */
export const NOT_COPIED: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  ROLLBACK_TO,
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);

/** Those that go to the new ReplicaSet: `kubernetes.io/change-cause`, above all. */
export function copiedAnnotations({ metadata }: KubeObject): Record<string, string> {
  const all = Object.entries(metadata.annotations ?? {});
  return Object.fromEntries(all.filter(([name]) => !NOT_COPIED.has(name)));
}

/** Undefined when it is absent or no number. */
export function numberAnnotation({ metadata }: KubeObject, name: string): number | undefined {
  const text = metadata.annotations?.[name];
  const value = Number(text);
  return text === undefined || Number.isNaN(value) ? undefined : value;
}

export function revisionOf(object: KubeObject): number {
  return numberAnnotation(object, REVISION) ?? 0;
}
