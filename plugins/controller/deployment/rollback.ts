import { Deployment, type ReplicaSet } from 'kernetes/sdk';
import {
  copiedAnnotations,
  NOT_COPIED,
  numberAnnotation,
  ROLLBACK_TO,
  revisionOf,
} from './annotations.ts';
import type { Rollout } from './deployment.ts';
import { isSameTemplate, withoutHash } from './template.ts';

/**
 * Old clients (the rollback subresource of extensions/v1beta1) ask by an annotation for the template
 * of a revision, 0 being the one before the newest. True: it was asked, and is dealt with.
 */
export async function rollBack(rollout: Rollout): Promise<boolean> {
  const { deployment, newSet, oldSets } = rollout;
  const asked = numberAnnotation(deployment, ROLLBACK_TO);
  if (asked === undefined) return false;
  const sets = newSet ? [...oldSets, newSet] : oldSets;
  const revision = asked === 0 ? lastRevision(sets) : asked;
  const set = sets.find(each => revision > 0 && revisionOf(each) === revision);
  await take(set, asked === 0 && revision === 0, rollout);
  return true;
}

async function take(
  set: ReplicaSet | undefined,
  isFirst: boolean,
  { deployment, context: { objects, events } }: Rollout,
): Promise<void> {
  const { name = '', annotations = {} } = deployment.metadata;
  const { [ROLLBACK_TO]: _, ...rest } = annotations;
  const { spec } = deployment;
  const template = set?.spec?.template;
  let changed = { ...deployment, metadata: { ...deployment.metadata, annotations: rest } };
  if (!set || !template || !spec) {
    const what = isFirst ? 'last revision.' : 'the revision to rollback to.';
    events.event(
      deployment,
      'Warning',
      'DeploymentRollbackRevisionNotFound',
      `Unable to find ${what}`,
    );
  } else if (isSameTemplate(template, spec.template)) {
    const message = `The rollback revision contains the same template as current deployment "${name}"`;
    events.event(deployment, 'Warning', 'DeploymentRollbackTemplateUnchanged', message);
  } else {
    const kept = Object.entries(rest).filter(([annotation]) => NOT_COPIED.has(annotation));
    const metadata = {
      ...deployment.metadata,
      annotations: { ...Object.fromEntries(kept), ...copiedAnnotations(set) },
    };
    changed = { ...deployment, metadata, spec: { ...spec, template: withoutHash(template) } };
    const message = `Rolled back deployment "${name}" to revision ${revisionOf(set)}`;
    events.event(deployment, 'Normal', 'DeploymentRollback', message);
  }
  await objects.update(Deployment, changed);
}

/** The second highest; 0: there is none. */
function lastRevision(sets: readonly ReplicaSet[]): number {
  return sets.map(revisionOf).sort((a, b) => b - a)[1] ?? 0;
}
