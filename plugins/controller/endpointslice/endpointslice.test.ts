import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  EndpointSlice,
  Event,
  forbidden,
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
    kernel.add(Node, node('n1'));
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
    kernel.add(Node, node('n1'));
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

  const prefers: { name: string; spec: Partial<ServiceSpec>; hints: unknown[] }[] = [
    {
      name: 'PreferClose: a zone',
      spec: { trafficDistribution: 'PreferClose' },
      hints: [{ forZones: [{ name: 'east' }] }, undefined],
    },
    {
      name: 'PreferSameZone: a zone',
      spec: { trafficDistribution: 'PreferSameZone' },
      hints: [{ forZones: [{ name: 'east' }] }, undefined],
    },
    {
      name: 'PreferSameNode: a zone and a node',
      spec: { trafficDistribution: 'PreferSameNode' },
      hints: [{ forNodes: [{ name: 'n1' }], forZones: [{ name: 'east' }] }, undefined],
    },
    { name: 'none', spec: {}, hints: [undefined, undefined] },
  ];
  for (const { name, spec, hints } of prefers) {
    it(`hints at where a ready endpoint is for: ${name}`, async () => {
      const down = serving('b', '10.0.0.2', { ready: false });
      const { kernel, clock } = await setUp({ ...HTTP, ...spec }, serving('a', '10.0.0.1'), down);
      const found = () => kernel.all(EndpointSlice)[0]?.endpoints?.map(each => each.hints);
      assert.deepEqual(found(), hints);
      kernel.modify(Service, 'default/web', each => delete each.spec?.trafficDistribution);
      await clock.step(100);
      assert.deepEqual(found(), [undefined, undefined]);
    });
  }

  it('follows a node to another zone, and does not mind its heartbeats', async () => {
    const { kernel, clock } = await setUp(HTTP, serving('a', '10.0.0.1'));
    kernel.requests.length = 0;
    kernel.modify(Node, 'n1', ({ metadata }) => {
      metadata.labels = { ...metadata.labels, other: 'label' };
    });
    await clock.step(1_000);
    assert.deepEqual(writes(kernel), []);
    kernel.modify(Node, 'n1', ({ metadata }) => {
      metadata.labels = { 'topology.kubernetes.io/zone': 'west' };
    });
    await clock.step(1_000);
    assert.equal(kernel.all(EndpointSlice)[0]?.endpoints?.[0]?.zone, 'west');
  });

  it('leaves a pod out whose node is not there, says so, and takes it in with its node', async () => {
    const lost = serving('b', '10.0.0.2');
    const elsewhere = { ...lost, spec: { containers: [], ...lost.spec, nodeName: 'n2' } };
    const { kernel, clock } = await setUp(HTTP, serving('a', '10.0.0.1'), elsewhere);
    assert.deepEqual(told(kernel), ['IPv4: 10.0.0.1+']);
    assert.deepEqual(events(kernel), [
      'FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service default/web: ' +
        'skipping Pod b for Service default/web: Node n2 Not Found',
    ]);
    kernel.add(Node, node('n2'));
    await clock.step(100);
    assert.deepEqual(told(kernel), ['IPv4: 10.0.0.1+ 10.0.0.2+']);
  });

  it('publishes a pod all the same whose node is not there, where all are to be', async () => {
    const pods = [serving('a', '10.0.0.1', { ready: false })];
    const kernel = new TestKernel();
    kernel.add(Service, service('web', { ...HTTP, publishNotReadyAddresses: true }));
    kernel.add(Pod, ...pods);
    await activate(plugin, { kernel });
    assert.deepEqual(told(kernel), ['IPv4: 10.0.0.1+']);
  });

  it('says when the change happened that it answers to', async () => {
    const { kernel, clock } = await setUp(HTTP);
    const time = () =>
      kernel.all(EndpointSlice)[0]?.metadata.annotations?.[
        'endpoints.kubernetes.io/last-change-trigger-time'
      ];
    assert.equal(time(), kernel.get(Service, 'default/web')?.metadata.creationTimestamp);
    const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
    const since = (p: Pod, second: number) => {
      for (const each of p.status?.conditions ?? []) each.lastTransitionTime = at(second);
      return p;
    };
    kernel.add(Pod, since(serving('a', '10.0.0.1'), 3), since(serving('b', '10.0.0.2'), 2));
    await clock.step(100);
    assert.equal(time(), at(2));
    kernel.modify(Pod, 'default/a', p => {
      p.status = running({ ip: '10.0.0.1', ready: false });
      since(p, 7);
    });
    await clock.step(100);
    assert.equal(time(), at(7));
    // A pod that is gone tells no time.
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    await clock.step(100);
    assert.equal(time(), undefined);
  });

  it('says what could not be written', async () => {
    const kernel = new TestKernel();
    kernel.add(Service, service('web', HTTP));
    kernel.fault = ({ resource, verb }) =>
      resource === 'endpointslices' && verb === 'create' ? serviceUnavailable('busy') : undefined;
    const { clock } = await activate(plugin, { kernel });
    assert.deepEqual(events(kernel), [
      'FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service default/web: ' +
        'failed to create EndpointSlice for Service default/web: busy',
    ]);
    kernel.fault = () => undefined;
    await clock.step(10_000);
    assert.deepEqual(told(kernel), ['IPv4: ']);
  });

  it('drops a Service whose namespace is going', async () => {
    const kernel = new TestKernel();
    kernel.add(Service, service('web', HTTP));
    kernel.fault = request => {
      if (request.resource !== 'endpointslices' || request.verb !== 'create') return undefined;
      const cause = { reason: 'NamespaceTerminating', message: 'x', field: 'metadata.namespace' };
      const { status } = forbidden(request, 'web', 'no');
      return new ApiError({ ...status, details: { ...status.details, causes: [cause] } });
    };
    const { clock } = await activate(plugin, { kernel });
    await clock.step(60_000);
    assert.equal(writes(kernel).length, 1);
    assert.deepEqual(events(kernel), []);
  });

  it('makes nothing for a Service that is being deleted, and keeps up what there is', async () => {
    const held = service('web', HTTP);
    held.metadata.finalizers = ['example.com/hold'];
    const kernel = new TestKernel();
    kernel.add(Node, node('n1'));
    kernel.add(Service, held);
    const { clock } = await activate(plugin, { kernel });
    await kernel.objects.delete(Service, { namespace: 'default', name: 'web' });
    kernel.add(Pod, serving('a', '10.0.0.1'));
    await clock.step(100);
    assert.deepEqual(told(kernel), ['IPv4: 10.0.0.1+']);
    for (const { metadata } of kernel.all(EndpointSlice)) {
      const { name = '' } = metadata;
      await kernel.objects.delete(EndpointSlice, { namespace: 'default', name });
    }
    await clock.step(10_000);
    assert.deepEqual(told(kernel), []);
  });

  it('uses up slices instead of making others when the ports change', async () => {
    const { kernel, clock } = await setUp(HTTP, serving('a', '10.0.0.1'));
    const [before] = kernel.all(EndpointSlice);
    kernel.modify(Service, 'default/web', ({ spec }) => {
      if (spec) spec.ports = [{ name: 'other', port: 80, targetPort: 9090 }];
    });
    await clock.step(100);
    const after = kernel.all(EndpointSlice);
    assert.equal(after.length, 1);
    assert.equal(after[0]?.metadata.name, before?.metadata.name);
    assert.deepEqual(after[0]?.ports, [{ name: 'other', port: 9090, protocol: 'TCP' }]);
  });

  it('keeps a pod that has none of the ports, without ports', async () => {
    const bare = serving('a', '10.0.0.1');
    const { kernel } = await setUp(HTTP, {
      ...bare,
      spec: { ...bare.spec, containers: [{ name: 'main' }] },
    });
    assert.deepEqual(told(kernel), ['IPv4: 10.0.0.1+']);
    assert.deepEqual(kernel.all(EndpointSlice)[0]?.ports, []);
  });

  it('deletes what an older Service of the name left, and leaves what others manage', async () => {
    const kernel = new TestKernel();
    const slice = (name: string, manager: string): EndpointSlice => ({
      metadata: {
        ...{ name, namespace: 'default' },
        labels: {
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': manager,
        },
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.9.9.9'] }],
    });
    kernel.add(Service, service('web', HTTP));
    kernel.add(EndpointSlice, slice('old', 'endpointslice-controller.k8s.io'), slice('own', 'me'));
    await activate(plugin, { kernel });
    assert.deepEqual(told(kernel), ['IPv4: ', 'IPv4: 10.9.9.9']);
    assert.ok(kernel.get(EndpointSlice, 'default/own'));
  });

  it('has no label of headless Services on others, whatever the Service has', async () => {
    const { kernel, clock } = await setUp({ ...HTTP, clusterIP: 'None' });
    const label = () =>
      kernel.all(EndpointSlice)[0]?.metadata.labels?.['service.kubernetes.io/headless'];
    assert.equal(label(), '');
    kernel.modify(Service, 'default/web', ({ metadata, spec }) => {
      metadata.labels = { 'service.kubernetes.io/headless': '' };
      if (spec) spec.clusterIP = '10.96.0.9';
    });
    await clock.step(100);
    assert.equal(label(), undefined);
  });

  it('has as many endpoints in a slice as it is told', async () => {
    const kernel = new TestKernel();
    kernel.add(Node, node('n1'));
    kernel.add(Service, service('web', HTTP));
    kernel.add(Pod, ...[1, 2, 3].map(i => serving(`p${i}`, `10.0.0.${i}`)));
    await activate(plugin, { kernel, config: { maxEndpointsPerSlice: 2 } });
    const sizes = kernel.all(EndpointSlice).map(({ endpoints }) => endpoints?.length);
    assert.deepEqual(sizes.sort(), [1, 2]);
  });
});

function events(kernel: TestKernel): string[] {
  return kernel.all(Event).map(({ reason, message }) => `${reason}: ${message}`);
}
