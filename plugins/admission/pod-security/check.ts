import type { Container, PodSpec } from 'kernetes/sdk';

/** What a standard asks of a pod; a finding names the rule, and where the pod breaks it. */
export interface Check {
  readonly id: string;
  find(spec: PodSpec, annotations: Readonly<Record<string, string>>): Finding | undefined;
}

export interface Finding {
  /** The rule in upstream's words: `hostPath volumes`. */
  readonly reason: string;
  /** `volume "data"` */
  readonly detail: string;
}

/** A pod's own security context and a container's say the same things by the same names. */
export type Secured = Pick<Container | PodSpec, 'securityContext'>;

/** `pod and containers "a", "b"`: who sets what should not be set; undefined: nobody does. */
export function setters(isPod: boolean, containers: readonly Container[]): string | undefined {
  const all = [...(isPod ? ['pod'] : []), ...(containers.length > 0 ? [named(containers)] : [])];
  return all.length > 0 ? all.join(' and ') : undefined;
}

/** `container "a"` */
export function named(containers: readonly Container[]): string {
  return counted('container', namesOf(containers));
}

/** `container "a"` or `containers "a", "b"`: the noun agrees with how many there are. */
export function counted(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? '' : 's'} ${quoted(names)}`;
}

export function quoted(names: readonly string[]): string {
  return names.map(name => `"${name}"`).join(', ');
}

function namesOf(containers: readonly Container[]): string[] {
  return containers.map(({ name }) => name);
}

export function unique(texts: Iterable<string>): string[] {
  return [...new Set(texts)];
}

/** On Windows the fields of Linux mean nothing. */
export function isWindows({ os }: PodSpec): boolean {
  return os?.name === 'windows';
}
