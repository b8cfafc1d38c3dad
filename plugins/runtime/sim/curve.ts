import { parseGoDuration, parseQuantity, QuantityError } from 'kernetes/sdk';

/** How much of something there is at a time: a pure function of the milliseconds since its start. */
export type Curve = (ms: number) => number;

/**
 * Terms joined by ` + `: a quantity, `sine(mean, amplitude, period)`, `ramp(from, to, duration)`,
 * `steps(value duration, …)`. Never below 0. Throws an error that says what cannot be read.
 */
export function parseCurve(text: string): Curve {
  const terms = text.split(/\s\+\s/).map(term => parseTerm(term.trim()));
  return ms =>
    Math.max(
      0,
      terms.reduce((sum, term) => sum + term(ms), 0),
    );
}

/** The mean of a curve between two times. */
export function meanOf(curve: Curve, fromMs: number, toMs: number): number {
  const width = (toMs - fromMs) / MEAN_POINTS;
  let sum = 0;
  for (let i = 0; i < MEAN_POINTS; i++) sum += curve(fromMs + (i + 0.5) * width);
  return sum / MEAN_POINTS;
}

function parseTerm(term: string): Curve {
  const [, name = '', inner = ''] = /^([a-z]+)\((.*)\)$/.exec(term) ?? [];
  if (name === '') return constant(numberOf(term));
  const shape = SHAPES.get(name);
  if (shape === undefined) throw new Error(`"${name}" is none of ${[...SHAPES.keys()].join(', ')}`);
  return shape(inner.split(',').map(argument => argument.trim()));
}

const SHAPES: ReadonlyMap<string, (given: readonly string[]) => Curve> = new Map([
  ['sine', sine],
  ['ramp', ramp],
  ['steps', steps],
]);

function constant(value: number): Curve {
  return () => value;
}

function sine(given: readonly string[]): Curve {
  const [mean, amplitude, period] = three('sine', given);
  const [middle, swing, periodMs] = [numberOf(mean), numberOf(amplitude), durationOf(period)];
  return ms => middle + swing * Math.sin((2 * Math.PI * ms) / periodMs);
}

function ramp(given: readonly string[]): Curve {
  const [from, to, duration] = three('ramp', given);
  const [first, last, wholeMs] = [numberOf(from), numberOf(to), durationOf(duration)];
  return ms => first + (last - first) * Math.min(1, Math.max(0, ms / wholeMs));
}

/** The last goes on for ever when it says no duration; else all begins anew. */
function steps(given: readonly string[]): Curve {
  const all = given.map((step, i) => {
    const [value = '', duration, ...rest] = step.split(/\s+/);
    const isEndless = duration === undefined && i === given.length - 1;
    if (rest.length > 0 || (duration === undefined && !isEndless)) {
      throw new Error(`"${step}" is no value with a duration`);
    }
    return { value: numberOf(value), ms: duration === undefined ? Infinity : durationOf(duration) };
  });
  const roundMs = all.reduce((sum, { ms }) => sum + ms, 0);
  return ms => {
    let left = Math.max(0, ms);
    if (roundMs !== Infinity) left %= roundMs;
    for (const step of all) {
      if (left < step.ms) return step.value;
      left -= step.ms;
    }
    return all.at(-1)?.value ?? 0;
  };
}

function three(name: string, given: readonly string[]): readonly [string, string, string] {
  const [a, b, c, ...rest] = given;
  if (a !== undefined && b !== undefined && c !== undefined && rest.length === 0) return [a, b, c];
  throw new Error(`${name} takes 3 arguments, not ${given.length}`);
}

function numberOf(text: string): number {
  const value = quantityOf(text);
  if (Math.abs(value) <= VALUE_MAX) return value;
  throw new Error(`"${text}" is more than an int64 holds`);
}

function quantityOf(text: string): number {
  try {
    const { mantissa, scale } = parseQuantity(text);
    return Number(mantissa) * 10 ** scale;
  } catch (error) {
    if (error instanceof QuantityError) throw new Error(`"${text}" is no quantity`);
    throw error;
  }
}

function durationOf(text: string): number {
  const ms = Number(parseGoDuration(text) ?? 0n) / 1e6;
  if (ms <= 0) throw new Error(`"${text}" is no duration above 0`);
  return ms;
}

/** Beyond are no quantities of anything, and sums that are no numbers any more. */
const VALUE_MAX = 2 ** 63;
/** Exact for straight lines, and near enough for all that is slower than a window. */
const MEAN_POINTS = 8;
