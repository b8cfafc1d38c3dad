import type { KubeObject } from './kind.ts';
import { apiVersionOf } from './kind.ts';
import type { KindDefinition, KindVersion, Releases } from './kind-definition.ts';
import { builtInSchema } from './schema.ts';

/** The minor release that a server says it is when it emulates none. */
export const DEFAULT_RELEASE = 32;

/** What clients of a release are told who use a version; undefined: nothing, or not yet. */
export function deprecationIn(
  { deprecation }: Pick<KindVersion, 'deprecation'>,
  release: number,
): string | undefined {
  const since = Number(/ is deprecated in v1\.(\d+)\+/.exec(deprecation ?? '')?.[1] ?? 0);
  return since <= (release || DEFAULT_RELEASE) ? deprecation : undefined;
}

/** Whether a minor release of Kubernetes is one of them; 0 stands for every release at once. */
export function isInRelease({ since = 0, until = Infinity }: Releases, release: number): boolean {
  return release === 0 || (since <= release && release <= until);
}

/** Whether it is this release or an older one; 0 is newer than all. */
export function isUpTo(last: number, release: number): boolean {
  return release > 0 && release <= last;
}

/**
 * The kind with the versions that clients of a release see; undefined when there are none. What
 * runs inside the cluster works with all of them.
 */
export function atRelease(kind: KindDefinition, release: number): KindDefinition | undefined {
  const versions = kind.versions.filter(({ releases = {} }) => isInRelease(releases, release));
  if (versions.length === kind.versions.length) return kind;
  return versions.length === 0 ? undefined : { ...kind, versions };
}

/** An older name of a version, and where it was served. */
export interface OlderVersion extends Releases {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  /** The last release that served it. */
  readonly until: number;
  /** The minor release from which on its use is warned of. */
  readonly deprecated: number;
  /** Upstream's text does not say what to use instead. Default false. */
  readonly isUnreplaced?: boolean;
}

/** A version that differs from a newer one in its name alone; fields that came later are in both. */
export function olderVersion<T extends KubeObject>(
  newer: KindVersion<T>,
  { group, kind, name, deprecated, since, until, isUnreplaced = false }: OlderVersion,
): KindVersion<T> {
  const now = apiVersionOf({ group, version: newer.name });
  const old = apiVersionOf({ group, version: name });
  return {
    ...newer,
    name,
    schema: builtInSchema(group, name, kind),
    releases: { ...(since !== undefined && { since }), until },
    deprecation:
      `${old} ${kind} is deprecated in v1.${deprecated}+, unavailable in v1.${until + 1}+` +
      (isUnreplaced ? '' : `; use ${now} ${kind}`),
  };
}
