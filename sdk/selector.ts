import type { LabelSelector } from './api/types-meta-v1.ts';
import type { StringMap } from './kind.ts';
import { parseRequirements } from './label-selector-parser.ts';
import { badRequest } from './status.ts';

/** Says which label sets it selects. Immutable. */
export interface Selector {
  /** Sorted by key. */
  readonly requirements: readonly Requirement[];
  /** Selects everything. */
  readonly empty: boolean;
  matches(labels: Readonly<StringMap> | undefined): boolean;
  /** As in a query: `app=web,tier in (a,b)`. */
  toString(): string;
}

export interface Requirement {
  readonly key: string;
  readonly operator: RequirementOperator;
  readonly values: readonly string[];
}

/** `!`: the key must be absent. */
export type RequirementOperator = '=' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<';

/** One term of a field selector; `==` is `=`. */
export interface FieldRequirement {
  /** `spec.nodeName` */
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** Selects nothing: what an absent `LabelSelector` means. */
export const NOTHING: Selector = Object.freeze({
  requirements: [],
  empty: false,
  matches: () => false,
  toString: () => '',
});

/** The selector of a `labelSelector` query parameter. Throws BadRequest. */
export function parseLabelSelector(text: string): Selector {
  return new RequirementSelector(parseRequirements(text));
}

/**
 * The selector of a `LabelSelector` in an object: absent selects nothing, an empty one everything.
 * Throws BadRequest on what validation would refuse.
 */
export function selectorFrom(selector: LabelSelector | undefined): Selector {
  if (!selector) return NOTHING;
  const requirements = equalities(selector.matchLabels ?? {});
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    requirements.push({ key, operator: expressionOperator(operator), values });
  }
  return new RequirementSelector(requirements);
}

/** Selects what has all of these labels (a Service's, a ReplicationController's selector). */
export function selectorFromSet(labels: Readonly<StringMap>): Selector {
  return new RequirementSelector(equalities(labels));
}

/** The terms of a `fieldSelector` query parameter. Throws BadRequest. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitTerms(text)
    .filter(term => term !== '')
    .map(term => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
      if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
      const [, field = '', operator, value = ''] = match;
      return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value) };
    });
}

/** A value as it must be written in a field selector. */
export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}

class RequirementSelector implements Selector {
  readonly requirements: readonly Requirement[];

  constructor(requirements: Requirement[]) {
    this.requirements = requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  get empty(): boolean {
    return this.requirements.length === 0;
  }

  matches(labels: Readonly<StringMap> = {}): boolean {
    for (const requirement of this.requirements) {
      if (!satisfies(labels, requirement)) return false;
    }
    return true;
  }

  toString(): string {
    return this.requirements.map(requirementText).join(',');
  }
}

function satisfies(labels: Readonly<StringMap>, requirement: Requirement): boolean {
  const { operator, values } = requirement;
  const found = labels[requirement.key];
  // Not `undefined`: a key such as `constructor` is found on every object's prototype.
  const value = typeof found === 'string' ? found : undefined;
  switch (operator) {
    case '=':
      return value === values[0];
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
      return value !== values[0];
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '>':
      return compareIntegers(value, values[0]) > 0;
    case '<':
      return compareIntegers(value, values[0]) < 0;
  }
}

/** NaN, which no comparison holds for, when one is no integer. */
function compareIntegers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined || !INTEGER.test(a) || !INTEGER.test(b)) return Number.NaN;
  const [x, y] = [BigInt(a.replace('+', '')), BigInt(b.replace('+', ''))];
  return x > y ? 1 : x < y ? -1 : 0;
}

/** As many digits as an int64 has. */
const INTEGER = /^[-+]?[0-9]{1,19}$/;

function equalities(labels: Readonly<StringMap>): Requirement[] {
  return Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] }));
}

function expressionOperator(operator: string): RequirementOperator {
  switch (operator) {
    case 'In':
      return 'in';
    case 'NotIn':
      return 'notin';
    case 'Exists':
      return 'exists';
    case 'DoesNotExist':
      return '!';
    default:
      throw badRequest(`"${operator}" is not a valid label selector operator`);
  }
}

function requirementText({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

/** Splits at commas that no backslash escapes; escapes stay in. Sorted, as upstream's are. */
function splitTerms(text: string): string[] {
  return (text.match(/(?:\\.|[^\\,]|\\$)+/gs) ?? []).sort();
}

function unescapeValue(text: string): string {
  const bare = /^(?:[^\\,=]|\\[\\,=])*/.exec(text)?.[0] ?? '';
  if (bare.length === text.length) return text.replace(/\\([\\,=])/g, '$1');
  const rest = text.slice(bare.length);
  throw badRequest(
    rest.startsWith('\\')
      ? `invalid field selector: invalid escape sequence: ${rest.slice(0, 2)}`
      : `invalid field selector: unescaped character in value: ${rest.codePointAt(0)}`,
  );
}
