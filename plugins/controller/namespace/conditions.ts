import { type NamespaceCondition, toTime } from 'kernetes/sdk';
import type { Emptied, Remainder } from './content.ts';

/** What upstream tells about a namespace that is going, with the times of what did not change. */
export function conditionsOf(
  { remaining, errors, undiscovered }: Emptied,
  old: readonly NamespaceCondition[],
  now: number,
): NamespaceCondition[] {
  return [
    discovery(undiscovered),
    condition('NamespaceDeletionGroupVersionParsingFailure', false, [
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ]),
    failures(errors),
    content(remaining),
    finalizers(remaining),
  ].map(each => {
    const before = old.find(({ type }) => type === each.type);
    const since = before?.status === each.status ? before.lastTransitionTime : undefined;
    return { ...each, lastTransitionTime: since ?? toTime(now) };
  });
}

function condition(
  type: string,
  isTrue: boolean,
  [reason, message]: readonly [reason: string, message: string],
): NamespaceCondition {
  return { type, status: isTrue ? 'True' : 'False', reason, message };
}

function discovery(undiscovered: readonly string[]): NamespaceCondition {
  const texts = undiscovered.map(each => `${each}: stale GroupVersion discovery: ${each}`);
  const message =
    `Discovery failed for some groups, ${texts.length} failing: ` +
    `unable to retrieve the complete list of server APIs: ${texts.sort().join(', ')}`;
  return condition(
    'NamespaceDeletionDiscoveryFailure',
    texts.length > 0,
    texts.length > 0
      ? ['DiscoveryFailed', message]
      : ['ResourcesDiscovered', 'All resources successfully discovered'],
  );
}

function failures(errors: Emptied['errors']): NamespaceCondition {
  const texts = errors.map(({ message }) => message).sort();
  const message = `Failed to delete all resource types, ${errors.length} remaining: ${texts.join(', ')}`;
  return condition(
    'NamespaceDeletionContentFailure',
    errors.length > 0,
    errors.length > 0
      ? ['ContentDeletionFailed', message]
      : ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  );
}

function content(remaining: readonly Remainder[]): NamespaceCondition {
  const texts = remaining
    .map(
      ({ kind, objects }) =>
        `${kind.resource}.${kind.group} has ${objects.length} resource instances`,
    )
    .sort();
  return condition(
    'NamespaceContentRemaining',
    texts.length > 0,
    texts.length > 0
      ? ['SomeResourcesRemain', `Some resources are remaining: ${texts.join(', ')}`]
      : ['ContentRemoved', 'All content successfully removed'],
  );
}

function finalizers(remaining: readonly Remainder[]): NamespaceCondition {
  const counts = new Map<string, number>();
  for (const { metadata } of remaining.flatMap(({ objects }) => objects)) {
    for (const name of metadata.finalizers ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const texts = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).sort();
  const message = `Some content in the namespace has finalizers remaining: ${texts.join(', ')}`;
  return condition(
    'NamespaceFinalizersRemaining',
    texts.length > 0,
    texts.length > 0
      ? ['SomeFinalizersRemain', message]
      : ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  );
}
