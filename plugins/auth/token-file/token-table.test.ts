import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { authenticatorPoint } from 'kernetes/sdk';
import { activate, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { parseTokens, TokenTable } from './token-table.ts';

describe('parseTokens()', () => {
  const tables: { name: string; text: string; users: readonly (readonly string[])[] }[] = [
    { name: 'a user without groups', text: 't,alice,1\n', users: [['t', 'alice']] },
    {
      name: 'groups in quotes',
      text: 't,alice,1,"dev,ops"',
      users: [['t', 'alice', 'dev', 'ops']],
    },
    { name: 'a quoted quote', text: 't,"a ""b""",1\r\n', users: [['t', 'a "b"']] },
    { name: 'empty lines', text: '\n\nt,alice,1\n\n', users: [['t', 'alice']] },
    { name: 'a token twice: the last counts', text: 't,alice,1\nt,bob,2\n', users: [['t', 'bob']] },
    { name: 'an empty token: none', text: ',alice,1\n', users: [] },
    { name: 'a byte order mark', text: '\uFEFFt,alice,1', users: [['t', 'alice']] },
    { name: 'nothing', text: '', users: [] },
  ];
  for (const { name, text, users } of tables) {
    it(`reads ${name}`, () => {
      const read = parseTokens(text, 'f').users.map(({ token, user }) => [
        token,
        user.name,
        ...user.groups.filter(group => group !== 'system:authenticated'),
      ]);
      assert.deepEqual(read, users);
    });
  }

  const refusals: { name: string; text: string; says: RegExp }[] = [
    { name: 'two columns', text: 'a,b,1\nt,alice\n', says: /f: line 2 has 2 columns, want at/ },
    { name: 'a quote in a field', text: 'a"b,c,d\n', says: /f: line 1 has a stray quote/ },
    { name: 'an open quote', text: 'a,b,"c\n', says: /line 1 has a stray quote/ },
  ];
  for (const { name, text, says } of refusals) {
    it(`refuses ${name}`, () => assert.throws(() => parseTokens(text, 'f'), says));
  }
});

describe('auth.token-file', () => {
  it('knows the tokens of its file and no others', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
    const file = join(folder, 'tokens.csv');
    await writeFile(file, 'secret,alice,7,dev\n');
    const { context } = await activate(plugin, { config: { file } });
    const [authenticator] = context.contributions(authenticatorPoint).list();
    const ask = (authorization?: string) =>
      authenticator?.value.authenticate(authorization === undefined ? {} : { authorization });
    assert.deepEqual(ask('Bearer secret'), {
      name: 'alice',
      uid: '7',
      groups: ['dev', 'system:authenticated'],
    });
    assert.deepEqual(ask('bearer secret'), ask('Bearer secret'));
    const others = [
      'Bearer',
      'Bearer ',
      'Bearer secre',
      'Bearer secret x',
      'secret',
      'Basic secret',
    ];
    for (const each of [undefined, ...others, `Bearer ${'x'.repeat(100_000)}`]) {
      assert.equal(ask(each), undefined, each?.slice(0, 20));
    }
    await rm(folder, { recursive: true });
  });

  it('says which file it cannot read', async () => {
    const { context } = testContext({ name: plugin.name, config: { file: '/no/such' } });
    await assert.rejects(
      async () => plugin.activate(context),
      /Cannot read the token file \/no\/such: ENOENT/,
    );
  });

  it('without a file contributes nothing', async () => {
    const { context } = await activate(plugin, { config: { file: '' } });
    assert.deepEqual(context.contributions(authenticatorPoint).list(), []);
  });
});

describe('TokenTable', () => {
  it('tells similar tokens apart', () => {
    const users = ['a', 'aa', 'A'].map(token => ({ token, user: { name: token, groups: [] } }));
    const table = new TokenTable(users);
    for (const { token } of users) assert.equal(table.find(token)?.name, token);
    assert.equal(table.find(''), undefined);
  });
});
