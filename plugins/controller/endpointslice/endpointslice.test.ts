import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  EndpointSlice,
  Node,
  Pod,
  Service,
  type ServiceSpec,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, node, pod, running, service, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function serving(name: string, ips: string | string[], parts: { ready?: boolean } = {}): Pod {
  const { ready = true } = parts;
  const [ip = '', ...others] = [ips].flat();
  const status = running({ ip, ready });
  return pod(name, {
    metadata: { labels: { app: 'web' }, uid: `uid-${name}` },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }],
    },
    status: { ...status, podIPs: [{ ip }, ...others.map(other => ({ ip: other }))] },
  });
}

const HTTP: Partial<ServiceSpec> = { ports: [{ name: 'web', port: 80, targetPort: 'http' }] };

async function setUp(spec: Partial<ServiceSpec>, ...pods: Pod[]) {
  const kernel = new TestKernel();
  const zone = { labels: { 'topology.kubernetes.io/zone': 'east' } };
  kernel.add(Node, node('n1', { metadata: zone }));
  kernel.add(Service, service('web', spec, { labels: { team: 'a' } }));
  kernel.add(Pod, ...pods);
  const { clock, dispose } = await activate(plugin, { kernel });
  return { kernel, clock, dispose };
}

/** `type: address+` of each slice; `+` for ready. */
function told(kernel: TestKernel): string[] {
  return kernel
    .all(EndpointSlice)
    .map(({ addressType, endpoints = [] }) => {
      const each = endpoints.map(e => `${e.addresses[0]}${e.conditions?.ready ? '+' : ''}`);
      return `${addressType}: ${each.join(' ')}`;
    })
    .sort();
}

const writes = (kernel: TestKernel) => kernel.requests.filter(({ verb }) => verb !== 'list');

describe('controller.endpointslice', () => {
  it('writes a slice that the Service owns', async () => {
    const { kernel } = await setUp(HTTP, serving('a', '10.0.0.1'));
    const [slice] = kernel.all(EndpointSlice);
    assert.match(slice?.metadata.name ?? '', /^web-/);
    assert.deepEqual(slice?.metadata.labels, {
      team: 'a',
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    });
    assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, 'Service');
    assert.deepEqual(slice?.ports, [{ name: 'web', port: 8080, protocol: 'TCP' }]);
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' };
    assert.deepEqual(slice?.endpoints, [
      {
        addresses: ['10.0.0.1'],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: 'n1',
        targetRef,
        zone: 'east',
      },
    ]);
  });

  it('tells a terminating pod, which still serves, from one that is ready', async () => {
    const a = serving('a', '10.0.0.1');
    a.metadata.finalizers = ['example.com/grace'];
    const { kernel, clock } = await setUp(HTTP, a);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    await clock.step(100);
    const conditions = kernel.all(EndpointSlice)[0]?.endpoints?.[0]?.conditions;
    assert.deepEqual(conditions, { ready: false, serving: true, terminating: true });
  });

  const cases: { name: string; spec: Partial<ServiceSpec>; pods: Pod[]; slices: string[] }[] = [
    { name: 'no pods: one empty slice', spec: HTTP, pods: [], slices: ['IPv4: '] },
    {
      name: 'a pod that is not ready',
      spec: HTTP,
      pods: [serving('a', '10.0.0.1', { ready: false })],
      slices: ['IPv4: 10.0.0.1'],
    },
    {
      name: 'one whose address is published all the same',
      spec: { ...HTTP, publishNotReadyAddresses: true },
      pods: [serving('a', '10.0.0.1', { ready: false })],
      slices: ['IPv4: 10.0.0.1+'],
    },
    {
      name: 'two families',
      spec: { ...HTTP, ipFamilies: ['IPv4', 'IPv6'] },
      pods: [serving('a', ['10.0.0.1', 'fd00::1'])],
      slices: ['IPv4: 10.0.0.1+', 'IPv6: fd00::1+'],
    },
    { name: 'no selector: none', spec: { selector: {} }, pods: [], slices: [] },
    { name: 'an ExternalName: none', spec: { type: 'ExternalName' }, pods: [], slices: [] },
  ];
  for (const { name, spec, pods, slices } of cases) {
    it(name, async () => assert.deepEqual(told((await setUp(spec, ...pods)).kernel), slices));
  }

  it('follows pods and ports, and leaves only what is needed', async () => {
    const { kernel, clock } = await setUp(HTTP, serving('a', '10.0.0.1'));
    kernel.add(Pod, serving('b', '10.0.0.2'));
    await clock.step(100);
    assert.deepEqual(told(kernel), ['IPv4: 10.0.0.1+ 10.0.0.2+']);
    kernel.modify(Service, 'default/web', ({ spec }) => {
      if (spec) spec.ports = [{ name: 'web', port: 80, targetPort: 9090 }];
    });
    await clock.step(100);
    assert.deepEqual(told(kernel), ['IPv4: 10.0.0.1+ 10.0.0.2+']);
    assert.equal(kernel.all(EndpointSlice)[0]?.ports?.[0]?.port, 9090);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'b' });
    await clock.step(100);
    assert.deepEqual(told(kernel), ['IPv4: ']);
  });

  it('does not make slices twice when its copy lags', async () => {
    const kernel = new TestKernel();
    kernel.add(Service, service('web', HTTP));
    kernel.add(Pod, serving('a', '10.0.0.1'));
    let release: (() => void) | undefined;
    kernel.fault = ({ verb }) => {
      if (verb === 'create') release ??= kernel.holdWatches();
      return undefined;
    };
    const { clock } = await activate(plugin, { kernel });
    kernel.add(Pod, serving('b', '10.0.0.2'));
    await clock.step(100_000);
    release?.();
    await clock.step(100_000);
    assert.deepEqual(told(kernel), ['IPv4: 10.0.0.1+ 10.0.0.2+']);
  });

  it('spreads 250 pods over three slices, and a change touches one', async () => {
    const pods = Array.from({ length: 250 }, (_, i) => serving(`p${i}`, `10.0.1.${i}`));
    const { kernel, clock } = await setUp(HTTP, ...pods);
    const sizes = kernel.all(EndpointSlice).map(({ endpoints }) => endpoints?.length);
    assert.deepEqual(sizes.sort(), [100, 100, 50]);
    kernel.requests.length = 0;
    kernel.modify(Pod, 'default/p7', p => {
      p.status = running({ ip: '10.0.1.7', ready: false });
    });
    await clock.step(100);
    assert.equal(writes(kernel).length, 1);
  });

  it('goes on where a failure or a crash stopped it, and then does nothing', async () => {
    const kernel = new TestKernel();
    kernel.add(Service, service('web', HTTP));
    kernel.add(Pod, ...Array.from({ length: 150 }, (_, i) => serving(`p${i}`, `10.0.1.${i}`)));
    let creates = 0;
    kernel.fault = ({ verb }) =>
      verb === 'create' && ++creates > 1 ? serviceUnavailable('crashed') : undefined;
    const first = await activate(plugin, { kernel });
    await first.dispose();
    assert.equal(kernel.all(EndpointSlice).length, 1);
    kernel.fault = () => undefined;
    const second = await activate(plugin, { kernel });
    const sizes = kernel.all(EndpointSlice).map(({ endpoints }) => endpoints?.length);
    assert.deepEqual(sizes.sort(), [100, 50]);
    kernel.requests.length = 0;
    await second.clock.step(3_600_000);
    assert.deepEqual(writes(kernel), []);
  });
});
