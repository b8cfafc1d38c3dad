import { labelKeyErrors, labelValueErrors } from './names.ts';
import type { Requirement, RequirementOperator } from './selector.ts';
import { badRequest } from './status.ts';

/**
 * Parses `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1`: a lexer and a recursive descent that accept
 * what apimachinery's `labels.Parse` accepts, and refuse in its words.
 */
export function parseRequirements(text: string): Requirement[] {
  return new Parser(text).parse();
}

interface Token {
  readonly type: string;
  readonly text: string;
}

const LEXEMES = /[ \t\r\n]*(?:(==|!=|=|!|\(|\)|,|>|<)|([^=!(),<> \t\r\n]+))/y;
const END: Token = { type: 'end', text: '' };
const OPERATORS: ReadonlyMap<string, RequirementOperator> = new Map([
  ['=', '='],
  ['==', '='],
  ['!=', '!='],
  ['in', 'in'],
  ['notin', 'notin'],
  ['>', '>'],
  ['<', '<'],
]);
const EXPECTED_OPERATORS = 'in, notin, =, ==, !=, gt, lt';

class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    const first = this.#peek();
    if (first.type === 'end') return requirements;
    if (!startsRequirement(first)) {
      throw badRequest(`found '${first.text}', expected: !, identifier, or 'end of string'`);
    }
    for (;;) {
      requirements.push(this.#requirement());
      const next = this.#next();
      if (next.type === 'end') return requirements;
      if (next.type !== ',') {
        throw badRequest(`found '${next.text}', expected: ',' or 'end of string'`);
      }
      const after = this.#peek();
      if (!startsRequirement(after)) {
        throw badRequest(`found '${after.text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): Requirement {
    const negated = this.#peek().type === '!';
    if (negated) this.#next();
    const key = this.#next();
    if (key.type !== 'identifier') throw unparsable(`found '${key.text}', expected: identifier`);
    checkKey(key.text);
    if (negated) return { key: key.text, operator: '!', values: [] };
    const next = this.#peek();
    if (next.type === 'end' || next.type === ',') {
      return { key: key.text, operator: 'exists', values: [] };
    }
    const operator = this.#operator();
    const values =
      operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    checkValues(key.text, operator, values);
    return { key: key.text, operator, values };
  }

  #operator(): RequirementOperator {
    const token = this.#next();
    const operator = OPERATORS.get(token.text);
    if (operator === undefined) {
      throw unparsable(`found '${token.text}', expected: ${EXPECTED_OPERATORS}`);
    }
    return operator;
  }

  /** `(x,,y)`: an empty place is an empty value. */
  #values(): string[] {
    const open = this.#next();
    if (open.type !== '(') throw unparsable(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    for (;;) {
      const token = this.#peek();
      if (token.type === 'identifier') values.add(this.#next().text);
      else if (token.type === ',' || token.type === ')') values.add('');
      else throw unparsable(`found '${token.text}', expected: ',', ')' or identifier`);
      const separator = this.#next();
      if (separator.type === ')') return [...values].sort();
      if (separator.type !== ',') {
        throw unparsable(`found '${separator.text}', expected: ',' or ')'`);
      }
    }
  }

  #exactValue(): string {
    const token = this.#peek();
    if (token.type === 'end' || token.type === ',') return '';
    this.#next();
    if (token.type !== 'identifier') {
      throw unparsable(`found '${token.text}', expected: identifier`);
    }
    return token.text;
  }

  #peek(): Token {
    return this.#tokens[this.#position] ?? END;
  }

  #next(): Token {
    const token = this.#peek();
    this.#position += 1;
    return token;
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  LEXEMES.lastIndex = 0;
  for (;;) {
    const match = LEXEMES.exec(text);
    if (!match) return tokens;
    const [, special, word = ''] = match;
    tokens.push(special ? { type: special, text: special } : { type: 'identifier', text: word });
  }
}

function startsRequirement({ type }: Token): boolean {
  return type === 'identifier' || type === '!';
}

function checkKey(key: string): void {
  const errors = labelKeyErrors(key);
  if (errors)
    throw unparsable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${errors.join('; ')}`);
}

function checkValues(key: string, operator: RequirementOperator, values: readonly string[]): void {
  values.forEach((value, i) => {
    if ((operator === '>' || operator === '<') && !/^[-+]?[0-9]+$/.test(value)) {
      throw unparsable(
        `values[${i}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    const errors = labelValueErrors(value);
    if (errors) {
      throw unparsable(
        `values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${errors.join('; ')}`,
      );
    }
  });
}

function unparsable(what: string): Error {
  return badRequest(`unable to parse requirement: ${what}`);
}
