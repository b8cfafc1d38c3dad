type Range = readonly [first: number, last: number];

/**
 * A set of completion indexes as ranges, in order and apart: a Job may have 100,000 of them, and
 * its status tells them as upstream does, `1,3-5,7,8`. Not changed once made.
 */
export class Indexes {
  static readonly NONE = new Indexes([]);
  readonly #ranges: readonly Range[];

  constructor(ranges: readonly Range[]) {
    this.#ranges = joined(ranges);
  }

  static of(indexes: Iterable<number>): Indexes {
    return new Indexes([...indexes].map(index => [index, index]));
  }

  /** Those below `bound`; what cannot be read is left out. */
  static parse(text: string | undefined, bound: number): Indexes {
    const ranges: Range[] = [];
    for (const part of (text ?? '').split(',')) {
      const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (first === '' || Number(first) >= bound) continue;
      ranges.push([Number(first), Math.min(Number(last), bound - 1)]);
    }
    return new Indexes(ranges);
  }

  get size(): number {
    return this.#ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  has(index: number): boolean {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.[1] ?? 0) < index) low = middle + 1;
      else high = middle;
    }
    const found = this.#ranges[low];
    return found !== undefined && found[0] <= index;
  }

  union(other: Indexes): Indexes {
    return new Indexes([...this.#ranges, ...other.#ranges]);
  }

  /** How many are in both. */
  common(other: Indexes): number {
    let count = 0;
    let i = 0;
    let j = 0;
    for (;;) {
      const one = this.#ranges[i];
      const two = other.#ranges[j];
      if (!one || !two) return count;
      count += Math.max(0, Math.min(one[1], two[1]) - Math.max(one[0], two[0]) + 1);
      if (one[1] <= two[1]) i++;
      if (two[1] <= one[1]) j++;
    }
  }

  /** The first `count` indexes below `bound` that are not in it. */
  missing(count: number, bound: number): number[] {
    const found: number[] = [];
    let next = 0;
    for (const [first, last] of [...this.#ranges, [bound, bound] as const]) {
      for (; next < Math.min(first, bound) && found.length < count; next++) found.push(next);
      next = last + 1;
    }
    return found;
  }

  toString(): string {
    return this.#ranges.map(textOf).join(',');
  }
}

function textOf([first, last]: Range): string {
  if (first === last) return String(first);
  return `${first}${last === first + 1 ? ',' : '-'}${last}`;
}

function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = result.at(-1);
    if (before && first <= before[1] + 1) {
      result[result.length - 1] = [before[0], Math.max(before[1], last)];
    } else result.push([first, last]);
  }
  return result;
}
