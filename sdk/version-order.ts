/**
 * Kubernetes' order of an API's versions, for `sort`: `v2`, `v1`, `v2beta1`, `v1beta1`, `v1alpha1`,
 * others by name.
 */
export function compareVersions(a: string, b: string): number {
  const [stageA, majorA, minorA] = rank(a);
  const [stageB, majorB, minorB] = rank(b);
  const difference = stageB - stageA || majorB - majorA || minorB - minorA;
  if (difference !== 0 || a === b) return difference;
  return a < b ? -1 : 1;
}

function rank(version: string): [number, number, number] {
  const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  if (major === undefined) return [-1, 0, 0];
  const stages = stage === undefined ? 2 : stage === 'beta' ? 1 : 0;
  return [stages, Number(major), Number(minor ?? 0)];
}
