import { readFile } from 'node:fs/promises';
import { authenticatorPoint, bearerToken, definePlugin } from 'kernetes/sdk';
import { parseTokens, TokenTable } from './token-table.ts';

interface Config {
  readonly file: string;
}

export default definePlugin<Config>({
  name: 'auth.token-file',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: { file: { type: 'string', default: '' } },
  },
  async activate(ctx) {
    const { file } = ctx.config;
    if (file === '') return;
    const { users, warnings } = parseTokens(await read(file), file);
    for (const warning of warnings)
      ctx.log.warn('A line of the token file is passed over', warning);
    const table = new TokenTable(users);
    ctx.provide(authenticatorPoint, {
      authenticate(credentials) {
        const token = bearerToken(credentials);
        return token === undefined ? undefined : table.find(token);
      },
    });
  },
});

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot read the token file ${file}: ${why}`, { cause });
  }
}
