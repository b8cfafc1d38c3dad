import { RE2JS } from 're2js';
import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { fail, ListValue } from '../value.ts';

/** Per character of a pattern, upstream's RegexStringLengthCostFactor. */
const PATTERN_COST = 0.25;

/**
 * Patterns are matched in linear time, never by the backtracking engine of the language that this
 * is written in. Throws a `Failure` on what is no pattern.
 */
export function compilePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    return fail(
      `error parsing regexp: ${(cause as Error).message}`.replace(
        /^(error parsing regexp: )+/,
        '$1',
      ),
    );
  }
}

function patternFor(frame: Frame, text: string, pattern: string): RE2JS {
  const { meter, patterns } = frame;
  const known = patterns.get(pattern);
  if (!known) meter.spend(COMPILE_COST + pattern.length);
  const compiled = known ?? compilePattern(pattern);
  // Repetition makes a short pattern large: `(a{100}){10}`.
  const size = Math.max(pattern.length * PATTERN_COST, compiled.programSize() * PROGRAM_COST);
  meter.spend(Math.ceil((text.length + 1) * 0.1) * Math.ceil(size));
  return compiled;
}

/** Of a pattern that is not known when the expression is compiled. */
const COMPILE_COST = 50;
const PROGRAM_COST = 0.05;
const MATCH_COST = 3;

export const REGEX: Library = {
  'string.matches(string): bool': isMatch,
  'matches(string, string): bool': isMatch,
  'string.find(string): string': (frame, text: string, pattern: string) => {
    const matcher = patternFor(frame, text, pattern).matcher(text);
    return matcher.find() ? (matcher.group() ?? '') : '';
  },
  'string.findAll(string): list<string>': (frame, text: string, pattern: string) =>
    findAll(frame, { text, pattern, limit: -1 }),
  'string.findAll(string, int): list<string>': (
    frame,
    text: string,
    pattern: string,
    limit: bigint,
  ) => findAll(frame, { text, pattern, limit: Number(limit) }),
};

function isMatch(frame: Frame, text: string, pattern: string): boolean {
  return patternFor(frame, text, pattern).test(text);
}

function findAll(
  frame: Frame,
  { text, pattern, limit }: { text: string; pattern: string; limit: number },
): ListValue {
  const matcher = patternFor(frame, text, pattern).matcher(text);
  const found: string[] = [];
  while ((limit < 0 || found.length < limit) && matcher.find()) {
    frame.meter.spend(MATCH_COST);
    found.push(matcher.group() ?? '');
  }
  return new ListValue(found);
}
