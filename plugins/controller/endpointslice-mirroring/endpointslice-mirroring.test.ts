import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  EndpointSlice,
  type EndpointSubset,
  Endpoints,
  Event,
  Service,
} from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const KEY = 'default/db';
const PORTS = [{ name: 'sql', port: 5432, protocol: 'TCP' }];
const metadata = { name: 'db', namespace: 'default' };

interface Parts {
  readonly subsets?: EndpointSubset[];
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly selector?: Record<string, string>;
  readonly noService?: boolean;
}

async function setUp({ subsets = [], labels, annotations, selector, noService }: Parts = {}) {
  const kernel = new TestKernel();
  if (!noService) kernel.add(Service, { metadata, spec: { ...(selector && { selector }) } });
  kernel.add(Endpoints, {
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
    subsets,
  });
  return activate(plugin, { kernel });
}

const shown = (kernel: TestKernel) =>
  kernel
    .all(EndpointSlice)
    .map(({ addressType, endpoints, ports }) => ({
      addressType,
      endpoints: (endpoints ?? []).map(
        ({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready}`,
      ),
      ports: (ports ?? []).map(({ port }) => port),
    }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const TERMINATING = [{ reason: 'NamespaceTerminating', message: 'x' }];
const ONE = [{ addresses: [{ ip: '192.0.2.1' }], ports: PORTS }];

describe('controller.endpointslice-mirroring', () => {
  it('shows each subset and family as a slice of its own', async () => {
    const { kernel } = await setUp({
      subsets: [
        {
          addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }],
          notReadyAddresses: [{ ip: '192.0.2.2' }],
          ports: PORTS,
        },
        { addresses: [{ ip: '192.0.2.3' }], ports: [{ port: 80 }] },
      ],
    });
    assert.deepEqual(shown(kernel), [
      { addressType: 'IPv4', endpoints: ['192.0.2.1 true', '192.0.2.2 false'], ports: [5432] },
      { addressType: 'IPv4', endpoints: ['192.0.2.3 true'], ports: [80] },
      { addressType: 'IPv6', endpoints: ['2001:db8::1 true'], ports: [5432] },
    ]);
  });

  it('copies what is known of an address, and labels and annotations that concern it', async () => {
    const targetRef = { kind: 'Pod', name: 'p' };
    const { kernel } = await setUp({
      subsets: [
        { addresses: [{ ip: '192.0.2.1', hostname: 'h', nodeName: 'n', targetRef }], ports: PORTS },
      ],
      labels: { team: 'data', 'service.kubernetes.io/headless': '' },
      annotations: {
        note: 'x',
        'endpoints.kubernetes.io/last-change-trigger-time': 't',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
      },
    });
    const [slice] = kernel.all(EndpointSlice);
    assert.deepEqual(slice?.endpoints, [
      {
        ...{ addresses: ['192.0.2.1'], conditions: { ready: true } },
        ...{ hostname: 'h', nodeName: 'n', targetRef },
      },
    ]);
    assert.deepEqual(slice?.metadata.labels, {
      team: 'data',
      'kubernetes.io/service-name': 'db',
      'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    });
    assert.deepEqual(slice?.metadata.annotations, { note: 'x' });
    assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, 'Endpoints');
  });

  const leftAlone: { readonly name: string; readonly parts: Parts }[] = [
    { name: 'without a Service', parts: { noService: true } },
    { name: 'of a Service that selects pods', parts: { selector: { app: 'db' } } },
    {
      name: 'that ask for it',
      parts: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    },
    {
      name: 'that are the lock of an election',
      parts: { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } },
    },
  ];
  for (const { name, parts } of leftAlone) {
    it(`leaves Endpoints alone ${name}`, async () => {
      const { kernel } = await setUp({ subsets: ONE, ...parts });
      assert.deepEqual(shown(kernel), []);
    });
  }

  it('follows changes in place, and takes back what is not wanted any more', async () => {
    const { kernel, clock } = await setUp({ subsets: ONE });
    const [before] = kernel.all(EndpointSlice);
    kernel.modify(Endpoints, KEY, each => {
      each.subsets = [{ addresses: [{ ip: '192.0.2.9' }], ports: PORTS }];
    });
    await clock.step(200);
    const [after] = kernel.all(EndpointSlice);
    assert.equal(after?.metadata.name, before?.metadata.name);
    assert.deepEqual(after?.endpoints?.[0]?.addresses, ['192.0.2.9']);
    kernel.modify(Service, KEY, each => {
      each.spec = { selector: { app: 'db' } };
    });
    await clock.step(200);
    assert.deepEqual(shown(kernel), []);
  });

  it('shows 1,000 addresses of a subset, and says how many it leaves out', async () => {
    const addresses = Array.from({ length: 1003 }, (_, i) => ({
      ip: `192.0.${Math.floor(i / 250)}.${(i % 250) + 1}`,
    }));
    const { kernel } = await setUp({ subsets: [{ addresses, ports: PORTS }] });
    assert.equal(kernel.all(EndpointSlice)[0]?.endpoints?.length, 1000);
    const [event] = kernel.all(Event);
    assert.equal(event?.reason, 'TooManyAddressesToMirror');
    assert.match(event?.message ?? '', /3 addresses were skipped$/);
  });

  it('does not make slices twice when its copy lags', async () => {
    const kernel = new TestKernel();
    kernel.add(Service, { metadata, spec: {} });
    kernel.add(Endpoints, { metadata, subsets: ONE });
    let release: (() => void) | undefined;
    kernel.fault = ({ verb }) => {
      if (verb === 'create') release ??= kernel.holdWatches();
      return undefined;
    };
    const { clock } = await activate(plugin, { kernel });
    kernel.modify(Endpoints, KEY, each => {
      each.metadata.labels = { a: 'b' };
    });
    await clock.step(60_000);
    release?.();
    await clock.step(60_000);
    assert.equal(kernel.all(EndpointSlice).length, 1);
    assert.equal(kernel.all(EndpointSlice)[0]?.metadata.labels?.a, 'b');
  });

  for (const { name, causes, tries } of [
    { name: 'gives up in a namespace that goes away', causes: TERMINATING, tries: 1 },
    { name: 'tries again what was refused', causes: [], tries: 2 },
  ]) {
    it(name, async () => {
      const { kernel, clock } = await setUp();
      let asked = 0;
      kernel.fault = ({ verb, resource }) => {
        if (verb !== 'create' || resource !== 'endpointslices' || ++asked > 1) return undefined;
        return new ApiError({ message: 'no', reason: 'Forbidden', code: 403, details: { causes } });
      };
      kernel.modify(Endpoints, KEY, each => {
        each.subsets = ONE;
      });
      await clock.step(60_000);
      assert.deepEqual([asked, kernel.all(EndpointSlice).length], [tries, tries - 1]);
    });
  }

  it('does nothing when all is as it should be', async () => {
    const { kernel, clock } = await setUp({ subsets: ONE });
    await clock.step(200);
    kernel.requests.length = 0;
    await clock.step(600_000);
    assert.deepEqual(kernel.requests, []);
  });
});
