import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  definePlugin,
  Event,
  type LoadBalancer,
  loadBalancerPoint,
  Node,
  Service,
  type ServiceSpec,
} from 'kernetes/sdk';
import { activate, node, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const KEY = 'default/web';
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

/** Gives every Service the same address, and keeps what it was asked. */
class Cloud implements LoadBalancer {
  readonly class: string;
  readonly calls: string[] = [];
  failure: Error | undefined;
  readonly update?: NonNullable<LoadBalancer['update']>;

  constructor(name = '', { canUpdate = false } = {}) {
    this.class = name;
    if (!canUpdate) return;
    this.update = async (_service, nodes) => {
      this.#note('update', nodes);
      if (this.failure) throw this.failure;
    };
  }

  async ensure(_service: Service, nodes: readonly Node[]) {
    this.#note('ensure', nodes);
    if (this.failure) throw this.failure;
    return [{ ip: '192.0.2.1' }];
  }

  async release() {
    this.#note('release', []);
    if (this.failure) throw this.failure;
  }

  #note(what: string, nodes: readonly Node[]): void {
    const names = nodes.map(({ metadata }) => metadata.name).sort();
    this.calls.push([what, ...names].join(' '));
  }
}

async function setUp(cloud: Cloud, spec: ServiceSpec = { type: 'LoadBalancer' }) {
  const kernel = new TestKernel();
  kernel.add(Node, node('n1'), node('n2'));
  kernel.add(Service, { metadata: { name: 'web', namespace: 'default' }, spec });
  const provider = definePlugin({
    name: 'cloud',
    activate: ctx => void ctx.provide(loadBalancerPoint, cloud),
  });
  await activate(provider, { kernel });
  return activate(plugin, { kernel });
}

const found = (kernel: TestKernel) => kernel.get(Service, KEY);
const ingress = (kernel: TestKernel) => found(kernel)?.status?.loadBalancer?.ingress;
const events = (kernel: TestKernel) =>
  kernel.all(Event).map(({ reason, message }) => `${reason} ${message}`);

describe('controller.service', () => {
  it('gets a balancer, says where it listens, and holds the Service for it', async () => {
    const cloud = new Cloud();
    const { kernel } = await setUp(cloud);
    assert.deepEqual(cloud.calls, ['ensure n1 n2']);
    assert.deepEqual(ingress(kernel), [{ ip: '192.0.2.1' }]);
    assert.deepEqual(found(kernel)?.metadata.finalizers, [FINALIZER]);
    assert.deepEqual(events(kernel), [
      'EnsuringLoadBalancer Ensuring load balancer',
      'EnsuredLoadBalancer Ensured load balancer',
    ]);
  });

  it('asks again only for what changes', async () => {
    const cloud = new Cloud();
    const { kernel, clock } = await setUp(cloud);
    await clock.step(600_000);
    kernel.modify(Service, KEY, each => {
      each.metadata.labels = { a: 'b' };
    });
    await clock.step(1000);
    assert.equal(cloud.calls.length, 1);
    kernel.modify(Service, KEY, each => {
      each.spec = { ...each.spec, ports: [{ port: 80 }] };
    });
    await clock.step(1000);
    assert.equal(cloud.calls.length, 2);
  });

  for (const canUpdate of [true, false]) {
    it(`tells of other nodes by ${canUpdate ? 'update' : 'ensure'}`, async () => {
      const cloud = new Cloud('', { canUpdate });
      const { kernel, clock } = await setUp(cloud);
      kernel.add(Node, node('n3'));
      await clock.step(0);
      kernel.modify(Node, 'n1', each => {
        each.metadata.labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
      });
      await clock.step(0);
      kernel.modify(Node, 'n2', each => {
        each.status = { conditions: [{ type: 'Ready', status: 'False' }] };
      });
      await clock.step(0);
      // A heartbeat is no news.
      kernel.modify(Node, 'n3', each => {
        each.metadata.annotations = { a: 'b' };
      });
      await clock.step(0);
      const call = canUpdate ? 'update' : 'ensure';
      const changes = ['n1 n2 n3', 'n2 n3', 'n3'].map(names => `${call} ${names}`);
      assert.deepEqual(cloud.calls, ['ensure n1 n2', ...changes]);
    });
  }

  it('says that other nodes could not be told of, and tries again', async () => {
    const cloud = new Cloud('', { canUpdate: true });
    const { kernel, clock } = await setUp(cloud);
    cloud.failure = new Error('busy');
    kernel.add(Node, node('n3'));
    await clock.step(0);
    const message =
      'Error updating load balancer with new hosts [n1 n2 n3] ' +
      '[node names limited, total number of nodes in the service: 3]: busy';
    assert.ok(events(kernel).includes(`UpdateLoadBalancerFailed ${message}`));
    cloud.failure = undefined;
    await clock.step(10_000);
    assert.ok(events(kernel).includes('UpdatedLoadBalancer Updated load balancer with new hosts'));
  });

  it('takes the balancer of a class away, although another type has none', async () => {
    const cloud = new Cloud('example.com/lb');
    const { kernel, clock } = await setUp(cloud, {
      type: 'LoadBalancer',
      loadBalancerClass: 'example.com/lb',
    });
    kernel.modify(Service, KEY, each => {
      each.spec = { type: 'ClusterIP' };
    });
    await clock.step(0);
    assert.deepEqual(cloud.calls, ['ensure n1 n2', 'release']);
    assert.deepEqual(found(kernel)?.metadata.finalizers ?? [], []);
  });

  it('takes the balancer away from a Service of another type', async () => {
    const cloud = new Cloud();
    const { kernel, clock } = await setUp(cloud);
    kernel.modify(Service, KEY, each => {
      each.spec = { type: 'ClusterIP' };
    });
    await clock.step(0);
    assert.deepEqual(cloud.calls, ['ensure n1 n2', 'release']);
    assert.equal(ingress(kernel), undefined);
    assert.deepEqual(found(kernel)?.metadata.finalizers ?? [], []);
    assert.ok(events(kernel).includes('DeletedLoadBalancer Deleted load balancer'));
  });

  it('lets a deleted Service go when its balancer is gone, not before', async () => {
    const cloud = new Cloud();
    const { kernel, clock } = await setUp(cloud);
    cloud.failure = new Error('busy');
    await kernel.objects.delete(Service, { namespace: 'default', name: 'web' });
    await clock.step(0);
    assert.ok(found(kernel));
    const message = 'Error syncing load balancer: failed to delete load balancer: busy';
    assert.ok(events(kernel).includes(`SyncLoadBalancerFailed ${message}`));
    cloud.failure = undefined;
    await clock.step(10_000);
    assert.equal(found(kernel), undefined);
  });

  it('says why there is none, and tries again', async () => {
    const cloud = new Cloud();
    cloud.failure = new Error('no address is free');
    const { kernel, clock } = await setUp(cloud);
    const message =
      'Error syncing load balancer: failed to ensure load balancer: no address is free';
    assert.ok(events(kernel).includes(`SyncLoadBalancerFailed ${message}`));
    cloud.failure = undefined;
    await clock.step(10_000);
    assert.deepEqual(ingress(kernel), [{ ip: '192.0.2.1' }]);
  });

  it('ensures anew after a restart, which changes nothing', async () => {
    const cloud = new Cloud();
    const { kernel, dispose } = await setUp(cloud);
    await dispose();
    kernel.requests.length = 0;
    await activate(plugin, { kernel });
    assert.deepEqual(cloud.calls, ['ensure n1 n2', 'ensure n1 n2']);
    assert.deepEqual(
      kernel.requests.filter(({ resource, verb }) => resource === 'services' && verb !== 'list'),
      [],
    );
  });

  it('leaves a class alone that nobody here serves, until somebody does', async () => {
    const cloud = new Cloud('other');
    const { kernel, clock } = await setUp(cloud, {
      type: 'LoadBalancer',
      loadBalancerClass: 'example.com/lb',
    });
    assert.deepEqual([cloud.calls, found(kernel)?.metadata.finalizers], [[], undefined]);
    const own = new Cloud('example.com/lb');
    const provider = definePlugin({
      name: 'own',
      activate: ctx => void ctx.provide(loadBalancerPoint, own),
    });
    await activate(provider, { kernel });
    await clock.step(0);
    assert.deepEqual(own.calls, ['ensure n1 n2']);
  });

  it('warns when no node takes traffic', async () => {
    const cloud = new Cloud();
    const kernel = new TestKernel();
    const metadata = { name: 'web', namespace: 'default' };
    kernel.add(Service, { metadata, spec: { type: 'LoadBalancer' } });
    const provider = definePlugin({
      name: 'cloud',
      activate: ctx => void ctx.provide(loadBalancerPoint, cloud),
    });
    await activate(provider, { kernel });
    await activate(plugin, { kernel });
    const message = 'UnAvailableLoadBalancer There are no available nodes for LoadBalancer';
    assert.ok(events(kernel).includes(message));
  });
});
