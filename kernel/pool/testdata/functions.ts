/** Pure functions for a compute pool. */
export function sum(numbers: Float64Array): number {
  return numbers.reduce((total, number) => total + number, 0);
}

export function fail(text: string): never {
  throw new RangeError(text);
}

export function environment(): string[] {
  return Object.keys(process.env);
}
