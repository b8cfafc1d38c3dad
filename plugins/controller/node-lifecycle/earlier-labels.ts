import type { Node } from 'kernetes/sdk';

/** Labels that the node should have under their earlier names too, where it has not. */
export function changedLabels({ metadata }: Node): Record<string, string> | undefined {
  const { labels = {} } = metadata;
  const changed: Record<string, string> = {};
  for (const [stable, earlier] of EARLIER) {
    const value = labels[stable];
    if (value !== undefined && labels[earlier] !== value) changed[earlier] = value;
  }
  return Object.keys(changed).length > 0 ? changed : undefined;
}

const EARLIER = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
] as const;
