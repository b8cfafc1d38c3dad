import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  Endpoints,
  Event,
  forbidden,
  keyOf,
  Pod,
  Service,
  type ServiceSpec,
  serviceUnavailable,
} from 'kernetes/sdk';
import { activate, pod, running, service, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const OVER = 'endpoints.kubernetes.io/over-capacity';
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const LABELS = { app: 'web' };

function serving(name: string, ip: string, parts: { ready?: boolean; port?: number } = {}): Pod {
  const { ready = true, port = 8080 } = parts;
  const ports = [{ name: 'http', containerPort: port }];
  return pod(name, {
    metadata: { labels: LABELS, uid: `uid-${name}` },
    spec: { nodeName: 'n1', containers: [{ name: 'main', ports }] },
    status: running({ ip, ready }),
  });
}

const HTTP: Partial<ServiceSpec> = { ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }] };

async function setUp(spec: Partial<ServiceSpec>, ...pods: Pod[]) {
  const kernel = new TestKernel();
  kernel.add(Service, service('web', spec));
  kernel.add(Pod, ...pods);
  const { clock, dispose } = await activate(plugin, { kernel });
  /** `ready|notReady|ports` of each subset. */
  const subsets = () =>
    (kernel.get(Endpoints, 'default/web')?.subsets ?? []).map(each =>
      [
        each.addresses?.map(({ ip }) => ip).join() ?? '',
        each.notReadyAddresses?.map(({ ip }) => ip).join() ?? '',
        each.ports?.map(({ name, port }) => `${name ?? ''}${port}`).join() ?? '',
      ].join('|'),
    );
  return { kernel, clock, subsets, dispose };
}

describe('controller.endpoints', () => {
  it('tells ready from other pods, with the port that the name stands for', async () => {
    const { kernel, subsets } = await setUp(
      HTTP,
      serving('b', '10.0.0.2'),
      serving('a', '10.0.0.1'),
      serving('c', '10.0.0.3', { ready: false }),
      serving('d', '10.0.0.4', { port: 9090 }),
      pod('other', { status: running({ ip: '10.0.0.9' }) }),
    );
    assert.deepEqual(subsets(), ['10.0.0.1,10.0.0.2|10.0.0.3|8080', '10.0.0.4||9090']);
    const { addresses } = kernel.get(Endpoints, 'default/web')?.subsets?.[0] ?? {};
    const targetRef = { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' };
    assert.deepEqual(addresses?.[0], { ip: '10.0.0.1', nodeName: 'n1', targetRef });
  });

  const gone: { name: string; change: (p: Pod) => void }[] = [
    { name: 'has no address yet', change: p => delete p.status?.podIPs && delete p.status?.podIP },
    { name: 'has failed', change: p => Object.assign(p.status ?? {}, { phase: 'Failed' }) },
    {
      name: 'is being deleted',
      change: p => Object.assign(p.metadata, { deletionTimestamp: 'x' }),
    },
    { name: 'has other labels', change: p => Object.assign(p.metadata, { labels: {} }) },
    { name: 'lacks the named port', change: p => Object.assign(p.spec ?? {}, { containers: [] }) },
  ];
  for (const { name, change } of gone) {
    it(`leaves a pod out that ${name}`, async () => {
      const out = structuredClone(serving('a', '10.0.0.1'));
      change(out);
      assert.deepEqual((await setUp(HTTP, out)).subsets(), []);
    });
  }

  it('follows pods and the Service, and deletes what it made', async () => {
    const { kernel, clock, subsets } = await setUp(HTTP, serving('a', '10.0.0.1'));
    kernel.add(Pod, serving('b', '10.0.0.2', { ready: false }));
    await clock.step(100);
    assert.deepEqual(subsets(), ['10.0.0.1|10.0.0.2|8080']);
    kernel.modify(Pod, 'default/a', p => {
      p.metadata.labels = {};
    });
    await clock.step(100);
    assert.deepEqual(subsets(), ['|10.0.0.2|8080']);
    kernel.modify(Service, 'default/web', ({ spec }) => {
      if (spec) spec.publishNotReadyAddresses = true;
    });
    await clock.step(100);
    assert.deepEqual(subsets(), ['10.0.0.2||8080']);
    await kernel.objects.delete(Service, { namespace: 'default', name: 'web' });
    await clock.step(100);
    assert.deepEqual(kernel.all(Endpoints), []);
  });

  it('serves a headless Service without ports, and names pods by their host names', async () => {
    const one = serving('a', '10.0.0.1');
    const named = { ...one, spec: { containers: [], hostname: 'a-0', subdomain: 'web' } };
    const { kernel, subsets } = await setUp({ clusterIP: 'None', ports: [] }, named);
    assert.deepEqual(subsets(), ['10.0.0.1||']);
    const endpoints = kernel.get(Endpoints, 'default/web');
    assert.equal(endpoints?.metadata.labels?.['service.kubernetes.io/headless'], '');
    assert.equal(endpoints?.subsets?.[0]?.addresses?.[0]?.hostname, 'a-0');
  });

  it('leaves Endpoints alone that are not its own', async () => {
    const kernel = new TestKernel();
    kernel.add(
      Service,
      service('manual', { selector: {} }),
      service('ext', { type: 'ExternalName' }),
    );
    const manual = { metadata: { name: 'manual', namespace: 'default' }, subsets: [] };
    kernel.add(Endpoints, manual, { metadata: { name: 'nobodys', namespace: 'default' } });
    const { clock } = await activate(plugin, { kernel });
    await kernel.objects.delete(Service, { namespace: 'default', name: 'manual' });
    await clock.step(1_000);
    assert.deepEqual(kernel.all(Endpoints).map(keyOf), ['default/manual', 'default/nobodys']);
    assert.deepEqual(
      kernel.requests.filter(({ verb }) => verb !== 'list'),
      [],
    );
  });

  it('puts back what somebody changed, and makes again what was deleted', async () => {
    const { kernel, clock, subsets } = await setUp(HTTP, serving('a', '10.0.0.1'));
    kernel.modify(Endpoints, 'default/web', endpoints => {
      endpoints.subsets = [];
    });
    await clock.step(100);
    assert.deepEqual(subsets(), ['10.0.0.1||8080']);
    await kernel.objects.delete(Endpoints, { namespace: 'default', name: 'web' });
    await clock.step(100);
    assert.deepEqual(subsets(), ['10.0.0.1||8080']);
  });

  it('stops at 1000 addresses and says so', async () => {
    const pods = Array.from({ length: 1_005 }, (_, i) =>
      serving(`p${i}`, `10.0.${Math.floor(i / 250)}.${i % 250}`, { ready: i >= 10 }),
    );
    const { kernel } = await setUp(HTTP, ...pods);
    const endpoints = kernel.get(Endpoints, 'default/web');
    const [subset] = endpoints?.subsets ?? [];
    assert.deepEqual([subset?.addresses?.length, subset?.notReadyAddresses?.length], [995, 5]);
    assert.equal(endpoints?.metadata.annotations?.[OVER], 'truncated');
  });

  it('takes of each list of ports in proportion when there are too many', async () => {
    const pods = Array.from({ length: 1_500 }, (_, i) =>
      serving(`p${i}`, `10.0.${Math.floor(i / 250)}.${i % 250}`, { port: i < 500 ? 8080 : 9090 }),
    );
    const { kernel, clock } = await setUp(HTTP, ...pods);
    const { subsets = [], metadata } = kernel.get(Endpoints, 'default/web') ?? { metadata: {} };
    const sizes = () => subsets.map(({ addresses = [] }) => addresses.length);
    assert.deepEqual([sizes(), Object.keys(metadata.annotations ?? {})[0]], [[334, 666], OVER]);
    kernel.requests.length = 0;
    kernel.modify(Service, 'default/web', each => {
      each.metadata.annotations = { other: 'change' };
    });
    await clock.step(1_000);
    assert.deepEqual(
      kernel.requests.filter(({ verb }) => verb !== 'list'),
      [],
    );
  });

  it('says when the change happened that it answers to', async () => {
    const { kernel, clock } = await setUp(HTTP);
    const time = () => kernel.get(Endpoints, 'default/web')?.metadata.annotations?.[TRIGGER_TIME];
    assert.equal(time(), kernel.get(Service, 'default/web')?.metadata.creationTimestamp);
    const since = (pod: Pod, second: number) => {
      const at = `2026-01-01T00:00:0${second}Z`;
      for (const each of pod.status?.conditions ?? []) each.lastTransitionTime = at;
      return pod;
    };
    kernel.add(Pod, since(serving('a', '10.0.0.1'), 3), since(serving('b', '10.0.0.2'), 2));
    await clock.step(100);
    assert.equal(time(), '2026-01-01T00:00:02Z');
    kernel.modify(Pod, 'default/a', pod => {
      pod.status = running({ ip: '10.0.0.1', ready: false });
      since(pod, 7);
    });
    await clock.step(100);
    assert.equal(time(), '2026-01-01T00:00:07Z');
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    await clock.step(100);
    assert.equal(time(), undefined);
  });

  it('says that it could not update, about the Endpoints', async () => {
    const { kernel, clock, subsets } = await setUp(HTTP, serving('a', '10.0.0.1'));
    kernel.fault = ({ verb, resource }) =>
      verb === 'update' && resource === 'endpoints' ? serviceUnavailable('busy') : undefined;
    kernel.add(Pod, serving('b', '10.0.0.2'));
    await clock.step(100);
    const [event] = kernel.all(Event);
    assert.equal(event?.involvedObject.kind, 'Endpoints');
    assert.equal(event?.message, 'Failed to update endpoint default/web: busy');
    assert.equal(event?.reason, 'FailedToUpdateEndpoint');
    kernel.fault = () => undefined;
    await clock.step(10_000);
    assert.deepEqual(subsets(), ['10.0.0.1,10.0.0.2||8080']);
  });

  it('drops a Service whose namespace is going', async () => {
    const kernel = new TestKernel();
    kernel.add(Service, service('web', HTTP));
    kernel.fault = request => {
      if (request.resource !== 'endpoints' || request.verb !== 'create') return undefined;
      const { status } = forbidden(request, 'web', 'no');
      const causes = [{ reason: 'NamespaceTerminating', message: 'x' }];
      return new ApiError({ ...status, details: { ...status.details, causes } });
    };
    const { clock } = await activate(plugin, { kernel });
    await clock.step(60_000);
    assert.equal(kernel.requests.filter(({ verb }) => verb === 'create').length, 1);
  });

  it('says that it could not, and goes on when it can; a new one makes no change', async () => {
    const kernel = new TestKernel();
    kernel.add(Service, service('web', HTTP));
    kernel.fault = request =>
      request.verb === 'create' && request.resource === 'endpoints'
        ? forbidden(request, 'web', 'no')
        : undefined;
    const first = await activate(plugin, { kernel });
    assert.deepEqual(
      kernel.all(Event).map(({ reason }) => reason),
      ['FailedToCreateEndpoint'],
    );
    kernel.fault = () => undefined;
    await first.clock.step(1_000);
    assert.equal(kernel.all(Endpoints).length, 1);
    await first.dispose();
    kernel.requests.length = 0;
    await activate(plugin, { kernel });
    assert.deepEqual(
      kernel.requests.filter(({ verb }) => verb !== 'list'),
      [],
    );
  });
});
