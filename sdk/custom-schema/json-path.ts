import { isSchema } from './properties.ts';

/**
 * The part of kubectl's JSONPath that printer columns, scale paths and selectable fields use: fields
 * (`.a`, `['a.b']`, `.a\.b`), indexes, slices, `[*]`, `..a`, and filters that compare one path with
 * one value, such as `[?(@.type=="Ready")]`.
 */
export type JsonPath = (value: unknown) => readonly unknown[];

/** Throws an Error on what is no such path. */
export function compileJsonPath(text: string): JsonPath {
  if (text.length > LENGTH_MAX) {
    throw new Error(`Cannot read a path of ${text.length} characters: want at most ${LENGTH_MAX}`);
  }
  const steps = new Parser(text).steps();
  return value => {
    let found: unknown[] = [value];
    for (const step of steps) found = found.flatMap(step);
    return found;
  };
}

/** The steps of a path of fields only (`.spec.replicas`); undefined when it has others. */
export function fieldsOfPath(text: string): string[] | undefined {
  if (!/^(?:\.[^.[\]]+)+$/.test(text)) return undefined;
  return text.slice(1).split('.');
}

type Step = (value: unknown) => unknown[];

const DEPTH_MAX = 500;
/** Paths come from users, and filters are read with backtracking. */
const LENGTH_MAX = 2_000;

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  steps(): Step[] {
    const steps: Step[] = [];
    if (!this.#take('$')) this.#take('@');
    while (this.#at < this.#text.length) steps.push(...this.#step());
    return steps;
  }

  #step(): Step[] {
    if (this.#take('..')) return [value => descend(value), ...this.#fieldOrBracket()];
    if (this.#take('.')) return this.#peek() === '' ? [] : this.#fieldOrBracket();
    return [this.#bracket()];
  }

  #fieldOrBracket(): Step[] {
    if (this.#peek() === '[') return [this.#bracket()];
    const name = this.#name();
    return [name === '*' ? all : field(name)];
  }

  #name(): string {
    let name = '';
    while (this.#at < this.#text.length && !'.[]'.includes(this.#peek())) {
      if (this.#peek() === '\\') this.#at++;
      name += this.#peek();
      this.#at++;
    }
    if (name === '') throw this.#error('a name');
    return name;
  }

  #bracket(): Step {
    if (!this.#take('[')) throw this.#error('"." or "["');
    const end = this.#closing();
    const inner = this.#text.slice(this.#at, end).trim();
    this.#at = end + 1;
    if (inner === '*') return all;
    if (inner.startsWith('?(') && inner.endsWith(')')) return filter(inner.slice(2, -1).trim());
    return union(
      inner.split(',').map(each => each.trim()),
      inner,
    );
  }

  /** Where the bracket that is open ends; quoted text is passed over. */
  #closing(): number {
    let depth = 1;
    let quote = '';
    for (let i = this.#at; i < this.#text.length; i++) {
      const c = this.#text[i] ?? '';
      if (quote) quote = c === quote ? '' : quote;
      else if (c === '"' || c === "'") quote = c;
      else if (c === '[') depth++;
      else if (c === ']' && --depth === 0) return i;
    }
    throw this.#error('"]"');
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #error(wanted: string): Error {
    return new Error(`Cannot read path "${this.#text}" at ${this.#at}: want ${wanted}`);
  }
}

function field(name: string): Step {
  return value => {
    if (!isSchema(value) || !Object.hasOwn(value, name)) return [];
    return [(value as Record<string, unknown>)[name]];
  };
}

function all(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isSchema(value) ? Object.values(value) : [];
}

/** The value and everything below it. */
function descend(value: unknown, depth = 0): unknown[] {
  if (depth > DEPTH_MAX) return [];
  return [value, ...all(value).flatMap(each => descend(each, depth + 1))];
}

function union(parts: readonly string[], text: string): Step {
  const steps = parts.map(part => element(part, text));
  return value => steps.flatMap(step => step(value));
}

function element(part: string, text: string): Step {
  const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(part);
  if (quoted) return field(quoted[1] ?? quoted[2] ?? '');
  if (/^-?\d+$/.test(part)) {
    return value =>
      Array.isArray(value) && Math.abs(Number(part)) <= value.length
        ? value.slice(Number(part)).slice(0, 1)
        : [];
  }
  const slice = /^(-?\d*):(-?\d*)$/.exec(part);
  if (!slice)
    throw new Error(`Cannot read "[${text}]": want an index, a slice, a name or a filter`);
  const [, from, to] = slice;
  return value =>
    Array.isArray(value) ? value.slice(Number(from || 0), to ? Number(to) : undefined) : [];
}

function filter(text: string): Step {
  const [, left = '', operator, right = ''] =
    /^(@[^=!<>]*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+))?$/.exec(text) ?? [];
  if (!left) throw new Error(`Cannot read filter "${text}": want a path that begins with "@"`);
  const path = compileJsonPath(left);
  const isKept = operator === undefined ? () => true : comparison(operator, literal(right, text));
  return value =>
    all(value).filter(each => {
      const [first] = path(each);
      return first !== undefined && isKept(first);
    });
}

function comparison(operator: string, wanted: unknown): (value: unknown) => boolean {
  return value => {
    if (operator === '==') return value === wanted;
    if (operator === '!=') return value !== wanted;
    if (typeof value !== typeof wanted) return false;
    const [a, b] = [value as number, wanted as number];
    if (operator === '<') return a < b;
    if (operator === '<=') return a <= b;
    return operator === '>' ? a > b : a >= b;
  };
}

function literal(text: string, whole: string): unknown {
  const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(text);
  if (quoted) return quoted[1] ?? quoted[2];
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  if (text !== '' && !Number.isNaN(number)) return number;
  throw new Error(`Cannot read filter "${whole}": want a string, a number, true or false`);
}
