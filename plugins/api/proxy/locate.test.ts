import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ConnectRequest, Node, Pod, type ReadyEndpoint, Service } from 'kernetes/sdk';
import { seededRandom, TestKernel } from 'kernetes/sdk/testing';
import { Locator, type Proxied } from './locate.ts';

const ready = (ip: string, pod: string, namespace = 'default'): ReadyEndpoint => ({
  ip,
  port: 8080,
  endpoint: { addresses: [ip], targetRef: { kind: 'Pod', namespace, name: pod } },
});

async function locator(): Promise<Locator> {
  const kernel = new TestKernel();
  const { objects } = kernel;
  const pod = (name: string, ip: string) => ({
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'a' }, { name: 'b', ports: [{ containerPort: 8080 }] }] },
    status: { podIPs: [{ ip }] },
  });
  await objects.create(Pod, pod('web', '10.0.0.7'));
  await objects.create(Pod, pod('own', '127.0.0.1'));
  await objects.create(Pod, pod('cloud', '169.254.169.254'));
  await objects.create(Pod, pod('mapped', '::ffff:127.0.0.1'));
  await objects.create(Pod, pod('new', ''));
  await objects.create(Service, {
    metadata: { name: 'web', namespace: 'default' },
    spec: { ports: [{ name: 'http', port: 80 }] },
  });
  await objects.create(Node, {
    metadata: { name: 'n' },
    status: {
      addresses: [
        { type: 'Hostname', address: 'n' },
        { type: 'InternalIP', address: '10.1.0.1' },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    },
  });
  const endpoints = {
    ready: async (_namespace: string, service: string, port: string) => {
      if (service !== 'web' || port !== 'http') return [];
      // Neither a pod of another namespace nor an address that its pod does not have.
      return [
        ready('10.0.0.7', 'web', 'other'),
        ready('10.9.9.9', 'web'),
        ready('10.0.0.7', 'web'),
      ];
    },
  };
  return new Locator({ objects, random: seededRandom(), endpoints });
}

async function locate(resource: Proxied, name: string) {
  const request = { namespace: 'default', name } as ConnectRequest;
  const { scheme, host, port } = await (await locator()).locate(resource, request);
  return `${scheme}://${host}:${port}`;
}

describe('Locator', () => {
  for (const [resource, name, wanted] of [
    ['pods', 'web', 'http://10.0.0.7:8080'],
    ['pods', 'web:81', 'http://10.0.0.7:81'],
    ['pods', 'https:web:443', 'https://10.0.0.7:443'],
    ['services', 'web:http', 'http://10.0.0.7:8080'],
    ['services', 'https:web:80', 'https://10.0.0.7:8080'],
    ['nodes', 'n', 'https://10.1.0.1:10250'],
    ['nodes', 'n:10250', 'https://10.1.0.1:10250'],
    ['nodes', 'n:9100', 'http://10.1.0.1:9100'],
  ] as const) {
    it(`finds ${resource}/${name}`, async () => assert.equal(await locate(resource, name), wanted));
  }

  for (const [resource, name, code, message] of [
    ['pods', 'own', 400, /^address not allowed$/],
    ['pods', 'cloud', 400, /^address not allowed$/],
    ['pods', 'mapped', 400, /^address not allowed$/],
    ['pods', 'new', 400, /^address not allowed$/],
    ['pods', 'ftp:web:1', 400, /^invalid pod request "ftp:web:1"$/],
    ['pods', 'web:99999', 503, /unknown port/],
    ['services', 'web', 503, /^no endpoints available for service "web"$/],
    ['services', 'web:81', 503, /^no service port 81 found for service "web"$/],
    ['nodes', ':', 400, /^invalid node request ":"$/],
    ['nodes', 'none', 404, /not found/],
  ] as const) {
    it(`refuses ${resource}/${name}`, async () => {
      await assert.rejects(locate(resource, name), { code, message });
    });
  }
});
