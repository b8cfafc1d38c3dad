import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type APIService, type ClusterNetwork, type ReadyEndpoint, Service } from 'kernetes/sdk';
import { fakeClock, fixedContributions, TestKernel } from 'kernetes/sdk/testing';
import { checkAvailability } from './availability.ts';

const OBJECT: APIService = {
  metadata: { name: 'v1.x' },
  spec: {
    group: 'x',
    version: 'v1',
    groupPriorityMinimum: 1,
    versionPriority: 1,
    insecureSkipTLSVerify: true,
    service: { namespace: 'default', name: 'web', port: 443 },
  },
};

interface Setup {
  readonly ports?: readonly { name?: string; port: number }[];
  readonly ready?: readonly string[];
  readonly hasSlices?: boolean;
  readonly network?: Partial<ClusterNetwork>;
}

async function checked({ ports, ready = [], hasSlices = false, network }: Setup) {
  const { objects } = new TestKernel();
  if (ports) {
    const metadata = { name: 'web', namespace: 'default' };
    await objects.create(Service, { metadata, spec: { ports: [...ports] } } as Service);
  }
  const known: ClusterNetwork = {
    find: () => 'unknown',
    request: () => assert.fail(),
    ...network,
  };
  const endpoint = (ip: string) => ({ ip, port: 8443, endpoint: { addresses: [ip] } });
  const { isAvailable, reason, message } = await checkAvailability(OBJECT, {
    objects,
    clock: fakeClock(),
    networks: fixedContributions(network ? [known] : []),
    frontProxies: fixedContributions([]),
    endpoints: {
      ready: async (): Promise<ReadyEndpoint[]> => ready.map(endpoint),
      has: async () => hasSlices,
    },
  });
  assert.equal(isAvailable, false);
  return `${reason}: ${message}`;
}

describe('checkAvailability() says that', () => {
  const ports = [{ name: 'https', port: 443 }];
  const cases: { name: string; setup: Setup; wanted: RegExp }[] = [
    {
      name: 'there is no service',
      setup: {},
      wanted: /^ServiceNotFound: service\/web in "default" is not present$/,
    },
    {
      name: 'the service has another port',
      setup: { ports: [{ port: 80 }] },
      wanted: /^ServicePortError: service\/web in "default" is not listening on port 443$/,
    },
    {
      name: 'there are no endpoints at all',
      setup: { ports },
      wanted: /^EndpointsNotFound: cannot find endpoints for service\/web in "default"$/,
    },
    {
      name: 'none is ready',
      setup: { ports, hasSlices: true },
      wanted: /^MissingEndpoints: endpoints for .* have no addresses with port name "https"$/,
    },
    {
      name: 'nothing listens there',
      setup: { ports, ready: ['10.0.0.1'], network: { find: () => 'refused' } },
      wanted:
        /^FailedDiscoveryCheck: .* https:\/\/10\.0\.0\.1:8443\/apis\/x\/v1: dial tcp .*: connection refused$/,
    },
    {
      name: 'what listens there speaks no TLS',
      setup: { ports, ready: ['10.0.0.1'], network: { find: () => 'http' } },
      wanted: /^FailedDiscoveryCheck: .*: http: server gave HTTP response to HTTPS client$/,
    },
  ];
  for (const { name, setup, wanted } of cases) {
    it(name, async () => assert.match(await checked(setup), wanted));
  }
});
