import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, it } from 'node:test';
import { answerHeaders, requestHeaders } from './headers.ts';

interface Case {
  readonly title: string;
  readonly given: IncomingHttpHeaders;
  readonly kept: IncomingHttpHeaders;
}

const HOPS: readonly Case[] = [
  {
    title: 'what is for the other end',
    given: { accept: '*/*', 'set-cookie': ['a=1', 'b=2'], 'x-own': '' },
    kept: { accept: '*/*', 'set-cookie': ['a=1', 'b=2'], 'x-own': '' },
  },
  {
    title: 'nothing that is about the connection',
    given: {
      'keep-alive': 'timeout=5',
      te: 'trailers',
      trailer: 'x',
      'transfer-encoding': 'chunked',
      upgrade: 'websocket',
      'proxy-authorization': 'Basic x',
      'proxy-connection': 'close',
      expect: '100-continue',
      'content-length': '1',
    },
    kept: { 'content-length': '1' },
  },
  {
    title: 'nothing that the connection header names',
    given: { connection: 'Close, X-Hop', 'x-hop': '1', 'x-own': '1' },
    kept: { 'x-own': '1' },
  },
];

describe('requestHeaders() keeps', () => {
  const cases: readonly Case[] = [
    ...HOPS,
    {
      title: 'nothing that says who the client is',
      given: {
        authorization: 'Bearer x',
        'impersonate-user': 'root',
        'impersonate-extra-scopes': 'all',
        'x-remote-user': 'root',
        'x-remote-uid': '0',
        'x-remote-group': 'system:masters',
        'x-remote-extra-scopes': 'all',
        'x-remote': 'kept',
        cookie: 'kept',
      },
      kept: { 'x-remote': 'kept', cookie: 'kept' },
    },
    {
      title: 'the authority of HTTP/2 as the host, and no pseudo header',
      given: { ':authority': 'a.example', ':method': 'GET', ':path': '/', accept: '*/*' },
      kept: { host: 'a.example', accept: '*/*' },
    },
  ];
  for (const { title, given, kept } of cases) {
    it(title, () => assert.deepEqual(requestHeaders(given), kept));
  }
});

describe('answerHeaders() keeps', () => {
  for (const { title, given, kept } of HOPS) {
    it(title, () => assert.deepEqual(answerHeaders(given), kept));
  }
});
