import { type NodeInfo, SCORE_MAX } from 'kernetes/sdk';

export interface LabelConfig {
  /** A node must have all of these … */
  readonly presentLabels: readonly string[];
  /** … and none of these. */
  readonly absentLabels: readonly string[];
  readonly presentLabelsPreference: readonly string[];
  readonly absentLabelsPreference: readonly string[];
}

/** Values do not matter. */
export function hasLabels({ labels }: NodeInfo, config: LabelConfig): boolean {
  return (
    config.presentLabels.every(key => labels[key] !== undefined) &&
    config.absentLabels.every(key => labels[key] === undefined)
  );
}

/** The share of the preferences that hold. */
export function preferenceScore({ labels }: NodeInfo, config: LabelConfig): number {
  const { presentLabelsPreference: present, absentLabelsPreference: absent } = config;
  const count = present.length + absent.length;
  let held = 0;
  for (const key of present) if (labels[key] !== undefined) held++;
  for (const key of absent) if (labels[key] === undefined) held++;
  return count === 0 ? 0 : Math.floor((held * SCORE_MAX) / count);
}
