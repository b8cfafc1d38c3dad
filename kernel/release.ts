import type { KindDefinition } from '../sdk/kind-definition.ts';
import { LoadError } from './loader/manifest.ts';
import { VERSION } from './version.ts';

/** A minor release of Kubernetes: 20 is 1.20. */
export type Release = number;

/** What a cluster says that it is when nobody asks for another. */
export const DEFAULT_RELEASE: Release = 32;
const OLDEST_RELEASE: Release = 20;
const NEWEST_RELEASE: Release = 36;

/** Reads `1.20` or `v1.20`, or throws `LoadError`. */
export function parseRelease(text: string): Release {
  const minor = Number(/^v?1\.(\d{1,3})$/.exec(text)?.[1] ?? Number.NaN);
  if (minor >= OLDEST_RELEASE && minor <= NEWEST_RELEASE) return minor;
  throw new LoadError(
    `Cannot emulate Kubernetes "${text}": want a release from 1.${OLDEST_RELEASE} to 1.${NEWEST_RELEASE}`,
  );
}

/** What clients are told at `/version`. */
export function gitVersion(release: Release): string {
  return `v1.${release}.0+kernetes.${VERSION}`;
}

/**
 * The kind with the versions that the release serves; undefined when it serves none. Objects stay
 * stored in the version that they are stored in, served or not.
 */
export function atRelease(kind: KindDefinition, release: Release): KindDefinition | undefined {
  const versions = kind.versions.filter(({ releases: { since = 0, until = Infinity } = {} }) => {
    return since <= release && release <= until;
  });
  if (versions.length === kind.versions.length) return kind;
  return versions.length === 0 ? undefined : { ...kind, versions };
}
