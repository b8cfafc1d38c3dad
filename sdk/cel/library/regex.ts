import { RE2JS } from 're2js';
import { type Frame, TRAVERSAL_COST } from '../meter.ts';
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
  const compiled = frame.patterns.get(pattern) ?? compileOnce(frame, pattern);
  // Repetition makes a short pattern large: `(a{100}){10}`.
  const states = Math.max(0, compiled.programSize() - STATES_FREE) * STATE_COST;
  const perCharacter = Math.ceil(pattern.length * PATTERN_COST + states);
  frame.meter.spend(Math.ceil((text.length + 1) * TRAVERSAL_COST) * perCharacter);
  return compiled;
}

const STATES_FREE = 32;
const STATE_COST = 0.2;
const MATCH_COST = 3;

/** A pattern that is not known when the expression is compiled. */
function compileOnce({ meter, compiled }: Frame, pattern: string): RE2JS {
  meter.spend(pattern.length);
  const known = compiled.get(pattern);
  if (known) return known;
  const made = compilePattern(pattern);
  meter.spend(made.programSize() * COMPILE_COST);
  compiled.set(pattern, made);
  return made;
}

/** Per state: compiling takes longer than matching. */
const COMPILE_COST = 15;

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
