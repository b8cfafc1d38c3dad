import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net';
import { test } from 'node:test';
import { createGunzip } from 'node:zlib';
import type { ClusterNetwork } from '../cluster-network.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { fixedContributions } from '../testing/fixed-contributions.ts';
import { BackendError } from './failure.ts';
import { forward } from './forward.ts';
import type { AnswerHead, Target } from './target.ts';

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What becomes of a backend's answer, sent as it is. */
async function told(answer: string): Promise<string> {
  const backend = createSocketServer(socket => socket.once('data', () => socket.end(answer)));
  const port = await portOf(backend);
  try {
    return await forwarded({ port }, []);
  } finally {
    backend.close();
  }
}

/** What a client is answered. */
async function forwarded(
  given: Partial<Target>,
  networks: readonly ClusterNetwork[],
): Promise<string> {
  const options = { clock: fakeClock(), networks: fixedContributions(networks) };
  const front = createServer((request, response) => {
    const target = { scheme: 'http', host: '127.0.0.1', port: 80, path: '/', headers: {} } as const;
    const done = forward({ request, response }, { ...target, ...given }, options);
    done.catch((error: unknown) => {
      response.statusCode = error instanceof BackendError ? 503 : 500;
      response.end(error instanceof Error ? error.message : '');
    });
  });
  try {
    const sent = request({ port: await portOf(front), agent: false }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += chunk;
    return `${response.statusCode} ${text}`;
  } finally {
    front.close();
  }
}

for (const { name, answer, wanted } of [
  {
    name: 'that changes protocols unasked',
    answer: 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello',
    wanted: /^503 .*it changes protocols unasked$/,
  },
  { name: 'without a status', answer: 'HTTP/1.1 0 X\r\n\r\n', wanted: /^503 / },
  {
    name: 'of two lengths',
    answer: 'HTTP/1.1 200 X\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    wanted: /^503 /,
  },
  {
    name: 'that is one',
    answer: 'HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nhi',
    wanted: /^200 hi$/,
  },
]) {
  test(`forward() answers for a backend's answer ${name}`, { timeout: 10_000 }, async () => {
    assert.match(await told(answer), wanted);
  });
}

const SIMULATED: ClusterNetwork = {
  find: () => 'http',
  request: () => ({ status: 200, headers: {}, body: Buffer.from('hi') }),
};

test('forward() passes on what a network answers', async () => {
  assert.equal(await forwarded({}, [SIMULATED]), '200 hi');
});

test('forward() breaks off where the body cannot be changed', { timeout: 10_000 }, async () => {
  const answer = ({ headers }: AnswerHead) => ({ headers, through: [createGunzip()] });
  await assert.rejects(forwarded({ answer }, [SIMULATED]), /aborted/);
});
