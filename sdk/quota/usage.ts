import type { StringMap } from '../kind.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  type ParsedQuantity,
  parseQuantity,
  subtractQuantities,
} from '../quantity.ts';

/** How much of what: by the names that quotas have for it. */
export type Usage = ReadonlyMap<string, ParsedQuantity>;

export const NO_QUANTITY: ParsedQuantity = { mantissa: 0n, scale: 0, format: 'DecimalSI' };

/** So many things. */
export function countOf(number: number): ParsedQuantity {
  return { ...NO_QUANTITY, mantissa: BigInt(number) };
}

/** Throws `QuantityError`. */
export function parseUsage(quantities: Readonly<StringMap> = {}): Usage {
  return new Map(Object.entries(quantities).map(([name, text]) => [name, parseQuantity(text)]));
}

export function formatUsage(usage: Usage): StringMap {
  return Object.fromEntries([...usage].map(([name, value]) => [name, formatQuantity(value)]));
}

/** `a=1,b=2Gi`, by name. */
export function printUsage(usage: Usage): string {
  return [...usage]
    .map(([name, value]) => `${name}=${formatQuantity(value)}`)
    .sort()
    .join(',');
}

export function addUsage(a: Usage, b: Usage): Usage {
  const sum = new Map(a);
  for (const [name, value] of b) sum.set(name, addQuantities(a.get(name) ?? NO_QUANTITY, value));
  return sum;
}

/** Of what `a` has; nothing becomes less than 0. */
export function subtractUsage(a: Usage, b: Usage): Usage {
  const left = new Map(a);
  for (const [name, value] of a) {
    const less = b.get(name);
    if (less === undefined) continue;
    const rest = subtractQuantities(value, less);
    left.set(name, rest.mantissa < 0n ? NO_QUANTITY : rest);
  }
  return left;
}

/** By how much `a` is more than `b`; only what is more. */
export function excessUsage(a: Usage, b: Usage): Usage {
  const rests = [...a].map(
    ([name, value]) => [name, subtractQuantities(value, b.get(name) ?? NO_QUANTITY)] as const,
  );
  return new Map(rests.filter(([, rest]) => rest.mantissa > 0n));
}

export function pickUsage(usage: Usage, isPicked: (name: string) => boolean): Usage {
  return new Map([...usage].filter(([name]) => isPicked(name)));
}

export function isSameUsage(a: Usage, b: Usage): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (other === undefined || compareQuantities(value, other) !== 0) return false;
  }
  return true;
}
