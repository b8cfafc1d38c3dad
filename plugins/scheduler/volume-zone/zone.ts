import type { NodeInfo, PersistentVolume } from 'kernetes/sdk';

/** Where a volume can be used, by one of its labels. */
export interface Zone {
  readonly label: string;
  /** Its newer name. */
  readonly current: string;
  readonly values: ReadonlySet<string>;
}

/** The labels that say where a volume or node is, each with its newer name. */
const LABELS: readonly (readonly [label: string, current: string])[] = [
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
  ['topology.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'topology.kubernetes.io/region'],
];

/** A label that is no list of zones says nothing, as upstream. */
export function zonesOf({ metadata }: PersistentVolume): readonly Zone[] {
  const zones: Zone[] = [];
  for (const [label, current] of LABELS) {
    const text = metadata.labels?.[label];
    if (text === undefined) continue;
    const values = text.split('__').map(value => value.trim());
    if (!values.includes('')) zones.push({ label, current, values: new Set(values) });
  }
  return zones;
}

/** A node that does not say where it is, is where the only zone is. */
export function isInZones({ labels }: NodeInfo, zones: readonly Zone[]): boolean {
  if (!LABELS.some(([label]) => labels[label] !== undefined)) return true;
  for (let i = 0; i < zones.length; i++) {
    const { label, current, values } = zones[i] as Zone;
    const value = labels[label] ?? labels[current];
    if (value === undefined || !values.has(value)) return false;
  }
  return true;
}

export function areSameZones(a: PersistentVolume, b: PersistentVolume): boolean {
  return LABELS.every(([label]) => a.metadata.labels?.[label] === b.metadata.labels?.[label]);
}
