import { createHash } from 'node:crypto';

/**
 * An image's full name as a registry knows it (`docker.io/library/nginx:latest`), or undefined
 * when it is not a valid reference.
 */
export function fullImageName(image: string): string | undefined {
  const match = REFERENCE.exec(image);
  if (!match) return undefined;
  const [, name = '', tag, digest] = match;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === 'localhost';
  const path = hasHost ? name : `docker.io/${slash < 0 ? 'library/' : ''}${name}`;
  if (!PATH.test(hasHost ? name.slice(slash + 1) : name)) return undefined;
  return path + (tag ?? '') + (digest ?? (tag ? '' : ':latest'));
}

/** The id of an image: always the same for the same full name. */
export function imageIdOf(fullName: string): string {
  if (fullName.includes('@')) return fullName;
  const digest = createHash('sha256').update(fullName).digest('hex');
  return `${fullName.slice(0, fullName.lastIndexOf(':'))}@sha256:${digest}`;
}

const REFERENCE = /^([\w./:-]+?)(:[\w][\w.-]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,})?$/;
const PATH =
  /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
