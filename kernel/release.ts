import { LoadError } from './loader/manifest.ts';
import { VERSION } from './version.ts';

/** The setting `release` of who asks for none: API versions of all releases are served. */
export const EVERY_RELEASE = 0;
const OLDEST_RELEASE = 20;
const NEWEST_RELEASE = 36;

/** The minor release that `1.20` or `v1.20` names; throws `LoadError`. */
export function parseRelease(text: string): number {
  const minor = Number(/^v?1\.(\d{1,3})$/.exec(text)?.[1] ?? Number.NaN);
  if (minor >= OLDEST_RELEASE && minor <= NEWEST_RELEASE) return minor;
  throw new LoadError(
    `Cannot emulate Kubernetes "${text}": want a release from 1.${OLDEST_RELEASE} to 1.${NEWEST_RELEASE}`,
  );
}

/** What clients are told at `/version`. */
export function gitVersion(release: number): string {
  return `v1.${release}.0+kernetes.${VERSION}`;
}
