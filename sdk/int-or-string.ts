import type { IntOrString } from './api/types-meta-v1.ts';

/** `25%`: whether the text is a percentage that can be scaled. */
export function isPercentage(text: string): boolean {
  return /^[0-9]+%$/.test(text);
}

/** A count as it is; a percentage as that share of `total`. Throws on any other text. */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  if (!isPercentage(value)) {
    throw new Error(
      `invalid value for IntOrString: invalid type: string is not a percentage: "${value}"`,
    );
  }
  const share = (Number.parseInt(value, 10) * total) / 100;
  return roundUp ? Math.ceil(share) : Math.floor(share);
}
