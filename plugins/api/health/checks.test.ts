import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerAll, answerOne } from './checks.ts';

const CHECKS = [
  { name: 'ping', problem: () => undefined },
  { name: 'etcd', problem: () => 'it is closed' },
];
const [PING, ETCD] = CHECKS as [(typeof CHECKS)[0], (typeof CHECKS)[0]];

describe('answerAll() tells like upstream', () => {
  const cases = [
    { title: 'all is well', checks: [PING], query: '', code: 200, body: 'ok' },
    {
      title: 'all is well, in words',
      checks: [PING],
      query: 'verbose',
      code: 200,
      body: '[+]ping ok\nreadyz check passed\n',
    },
    {
      title: 'something is not',
      checks: CHECKS,
      query: '',
      code: 500,
      body: '[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n',
    },
    {
      title: 'what is not is not asked for',
      checks: CHECKS,
      query: 'verbose&exclude=etcd&exclude=nope',
      code: 200,
      body:
        '[+]ping ok\n[+]etcd excluded: ok\n' +
        'warn: some health checks cannot be excluded: no matches for "nope"\n' +
        'readyz check passed\n',
    },
  ];
  for (const { title, checks, query, code, body } of cases) {
    it(title, () => {
      const answer = answerAll('readyz', checks, { query: new URLSearchParams(query) });
      assert.deepEqual([answer.code, answer.body], [code, body]);
    });
  }
});

describe('answerOne()', () => {
  it('tells of one check alone', () => {
    assert.equal(answerOne(PING).code, 200);
    const { code, body } = answerOne(ETCD);
    assert.deepEqual([code, body], [500, 'internal server error: it is closed\n']);
  });
});
