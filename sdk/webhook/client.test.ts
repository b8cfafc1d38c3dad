import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { WebhookClientConfig } from '../api/types-admissionregistration-v1.ts';
import type { ClusterNetwork } from '../cluster-network.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { fixedContributions } from '../testing/fixed-contributions.ts';
import {
  type WebhookAnswer,
  type WebhookServer,
  webhookServer,
} from '../testing/webhook-server.ts';
import { WebhookClient } from './client.ts';

const OK: WebhookAnswer = { response: { allowed: true } };
const BODY = JSON.stringify({ kind: 'R', apiVersion: 'v1', request: { uid: 'u' } });

let server: WebhookServer;
let answer: WebhookAnswer = OK;
let onAsked = () => {};
const clock = fakeClock();
const client = new WebhookClient({
  clock,
  findService: async ({ name }) => {
    if (name !== 'hook') throw new Error(`service "${name}" not found`);
    return { host: '127.0.0.1', port: server.port };
  },
  networks: fixedContributions<ClusterNetwork>([
    {
      find({ ip, port }) {
        if (ip !== '10.244.0.7') return 'unknown';
        return port === 8080 ? 'http' : port === 10_250 ? 'https' : 'refused';
      },
      request: () => assert.fail('A webhook is no simulated server'),
    },
  ]),
});

before(async () => {
  const names = ['hook.default.svc'];
  server = await webhookServer(
    () => {
      onAsked();
      return answer;
    },
    { names },
  );
});
after(async () => {
  client.close();
  await server.close();
});

const byUrl = (): WebhookClientConfig => ({
  url: `${server.url}/path`,
  caBundle: server.caBundle,
});
const post = (config: WebhookClientConfig) =>
  client.post({ config, body: BODY, timeoutMs: 10_000 });

describe('WebhookClient', () => {
  it('post() gives what is answered', async () => {
    answer = OK;
    const { response } = (await post(byUrl())) as { response: object };
    assert.deepEqual(response, { uid: 'u', allowed: true });
    assert.equal(server.asked.at(-1)?.path, '/path?timeout=10s');
  });

  it('post() calls a service at its endpoints under its name', async () => {
    answer = OK;
    const service = { name: 'hook', namespace: 'default', path: '/x' };
    await post({ service, caBundle: server.caBundle });
    const { path, host } = server.asked.at(-1) ?? {};
    assert.deepEqual([path, host], ['/x?timeout=10s', 'hook.default.svc:443']);
  });

  const refusals: { title: string; config: () => WebhookClientConfig; why: RegExp }[] = [
    {
      title: 'a server that nobody vouches for',
      config: () => ({ url: server.url }),
      why: /^Error: Post "https:.*\?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
    },
    {
      title: 'a certificate for another name',
      config: () => ({ ...byUrl(), url: `https://localhost:${server.port}/` }),
      why: /x509: certificate is valid for .*hook.default.svc.*, not localhost$/,
    },
    {
      title: 'a service that is not there',
      config: () => ({ service: { name: 'none', namespace: 'default' } }),
      why: /^Error: Post "https:\/\/none.default.svc:443\/\?timeout=10s": service "none" not found$/,
    },
    {
      title: 'a port on which nobody listens',
      config: () => ({ url: 'https://127.0.0.1:1/' }),
      why: /dial tcp 127.0.0.1:1: connect: connection refused$/,
    },
    {
      title: 'a port on which nothing simulated listens',
      config: () => ({ url: 'https://10.244.0.7/' }),
      why: /^Error: Post "https.*": dial tcp 10.244.0.7:443: connect: connection refused$/,
    },
    {
      title: 'a simulated port that speaks no TLS',
      config: () => ({ url: 'https://10.244.0.7:8080/' }),
      why: /: http: server gave HTTP response to HTTPS client$/,
    },
    {
      title: 'a simulated port that does',
      config: () => ({ url: 'https://10.244.0.7:10250/' }),
      why: /: what listens on 10.244.0.7:10250 is simulated and shows no certificate$/,
    },
  ];
  for (const { title, config, why } of refusals) {
    it(`post() tells of ${title}`, () => assert.rejects(post(config()), why));
  }

  const answers: { title: string; given: WebhookAnswer; why: RegExp }[] = [
    {
      title: 'an error of the server',
      given: { code: 500, text: 'boom' },
      why: /^Error: an error on the server \("boom"\) has prevented the request from succeeding$/,
    },
    {
      title: 'a path that the server does not know',
      given: { code: 404, text: '' },
      why: /the server could not find the requested resource$/,
    },
    {
      title: 'an answer that is no JSON',
      given: { code: 200, text: '<html>' },
      why: /couldn't get version\/kind; json parse error/,
    },
  ];
  for (const { title, given, why } of answers) {
    it(`post() tells of ${title}`, async () => {
      answer = given;
      await assert.rejects(post(byUrl()), why);
    });
  }

  it('post() waits no longer than it is told to', async () => {
    answer = 'never';
    const asked = new Promise<void>(resolve => {
      onAsked = resolve;
    });
    const pending = assert.rejects(post(byUrl()), /Post "https.*": context deadline exceeded$/);
    await asked;
    await clock.step(10_000);
    await pending;
    assert.equal(clock.pending, 0);
  });
});
