import { createHmac, randomBytes } from 'node:crypto';
import type { User } from 'kernetes/sdk';
import { parseCsv } from './csv.ts';

export interface TokenUser {
  readonly token: string;
  readonly user: User;
}

export interface ParsedTokens {
  readonly users: readonly TokenUser[];
  /** Lines that upstream warns of too. */
  readonly warnings: readonly { readonly line: number; readonly why: string }[];
}

/** Reads the file's text; throws an error that names the line. `file` is for texts. */
export function parseTokens(text: string, file: string): ParsedTokens {
  const users = new Map<string, TokenUser>();
  const warnings: { line: number; why: string }[] = [];
  for (const { line, fields } of parseCsv(text, file)) {
    const [token = '', name = '', uid = '', groups = ''] = fields;
    if (fields.length < COLUMNS_MIN) {
      throw new Error(
        `Cannot use the token file ${file}: line ${line} has ${fields.length} columns, want at ` +
          'least 3 (token, user name, user uid)',
      );
    }
    if (token === '') {
      warnings.push({ line, why: 'empty token' });
      continue;
    }
    if (users.has(token)) warnings.push({ line, why: 'the token was given before' });
    const named = groups.split(',').filter(Boolean);
    const all = named.includes(AUTHENTICATED) ? named : [...named, AUTHENTICATED];
    users.set(token, { token, user: { name, ...(uid && { uid }), groups: all } });
  }
  return { users: [...users.values()], warnings };
}

/** Users by their tokens. What it keeps, and looks up by, tells nothing of a token. */
export class TokenTable {
  readonly #key = randomBytes(32);
  readonly #byDigest: ReadonlyMap<string, User>;

  constructor(users: readonly TokenUser[]) {
    this.#byDigest = new Map(users.map(({ token, user }) => [this.#digest(token), user]));
  }

  find(token: string): User | undefined {
    return this.#byDigest.get(this.#digest(token));
  }

  #digest(token: string): string {
    return createHmac('sha256', this.#key).update(token).digest('base64');
  }
}

const COLUMNS_MIN = 3;
const AUTHENTICATED = 'system:authenticated';
