import type { Container, EphemeralContainer, PodSpec } from 'kernetes/sdk';

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

export type AnyContainer = Container | EphemeralContainer;

/** Init containers, containers and ephemeral ones, in upstream's order. */
export function containersOf(spec: PodSpec): AnyContainer[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec;
  return [...initContainers, ...containers, ...ephemeralContainers];
}

/** `container "a"` or `containers "a", "b"`: the noun agrees with how many there are. */
export function named(noun: string, names: readonly string[]): string {
  return `${noun}${names.length === 1 ? '' : 's'} ${quoted(names)}`;
}

export function quoted(names: readonly string[]): string {
  return names.map(name => `"${name}"`).join(', ');
}

export function namesOf(containers: readonly AnyContainer[]): string[] {
  return containers.map(({ name }) => name);
}

export function unique(texts: Iterable<string>): string[] {
  return [...new Set(texts)];
}

/** On Windows the fields of Linux mean nothing. */
export function isWindows({ os }: PodSpec): boolean {
  return os?.name === 'windows';
}
