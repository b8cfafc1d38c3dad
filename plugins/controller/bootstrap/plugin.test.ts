import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EndpointSlice, Endpoints, Namespace, PriorityClass, Service } from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { addressAt, type Config } from './wanted.ts';

const CONFIG: Config = {
  serviceCidr: '10.96.0.0/16',
  advertiseAddress: '192.0.2.1',
  advertisePort: 6443,
};
const start = (kernel: TestKernel, config: Partial<Config> = {}) =>
  activate(plugin, { kernel, config: { ...CONFIG, ...config } });

describe('controller.bootstrap', () => {
  it('makes namespaces, services and priority classes before it is active', async () => {
    const kernel = new TestKernel();
    const { dispose } = await start(kernel);
    const names = async (kind: typeof Namespace | typeof PriorityClass) =>
      (await kernel.objects.list<Namespace | PriorityClass>(kind)).items
        .map(o => o.metadata.name)
        .sort();
    assert.deepEqual(await names(Namespace), [
      'default',
      'kube-node-lease',
      'kube-public',
      'kube-system',
    ]);
    assert.deepEqual(await names(PriorityClass), [
      'system-cluster-critical',
      'system-node-critical',
    ]);
    const api = await kernel.objects.get(Service, { namespace: 'default', name: 'kubernetes' });
    const dns = await kernel.objects.get(Service, { namespace: 'kube-system', name: 'kube-dns' });
    assert.deepEqual([api.spec?.clusterIP, dns.spec?.clusterIP], ['10.96.0.1', '10.96.0.10']);
    await dispose();
  });

  it('brings back what is deleted, and leaves alone what others changed', async () => {
    const kernel = new TestKernel();
    const { clock, dispose } = await start(kernel);
    const key = { namespace: 'kube-system', name: 'kube-dns' };
    await kernel.objects.patch(Service, key, { metadata: { labels: { mine: 'x' } } });
    await kernel.objects.delete(Namespace, { name: 'kube-public' });
    await clock.step(0);
    assert.ok(await kernel.objects.get(Namespace, { name: 'kube-public' }));
    const dns = await kernel.objects.get(Service, key);
    assert.equal(dns.metadata.labels?.mine, 'x');
    await dispose();
  });

  it('endpoints follow the address of the server over a restart', async () => {
    const kernel = new TestKernel();
    await (await start(kernel)).dispose();
    await (await start(kernel, { advertiseAddress: '192.0.2.2', advertisePort: 7443 })).dispose();
    const key = { namespace: 'default', name: 'kubernetes' };
    const { subsets } = await kernel.objects.get(Endpoints, key);
    assert.equal(subsets?.[0]?.addresses?.[0]?.ip, '192.0.2.2');
    const { endpoints, ports } = await kernel.objects.get(EndpointSlice, key);
    assert.deepEqual([endpoints?.[0]?.addresses, ports?.[0]?.port], [['192.0.2.2'], 7443]);
  });

  it('a loopback address is no endpoint', async () => {
    const kernel = new TestKernel();
    const { dispose } = await start(kernel, { advertiseAddress: '127.0.0.1' });
    assert.deepEqual((await kernel.objects.list(Endpoints)).items, []);
    await dispose();
  });
});

describe('addressAt()', () => {
  for (const [cidr, n, address] of [
    ['10.96.0.0/16', 10, '10.96.0.10'],
    ['10.0.0.240/28', 15, '10.0.0.255'],
    ['10.0.0.0/8', 256, '10.0.1.0'],
    ['fd00::/108', 10, 'fd00::a'],
  ] as const) {
    it(`is ${address} for ${n} of ${cidr}`, () => assert.equal(addressAt(cidr, n), address));
  }

  it('refuses what is beyond the range', () => {
    assert.throws(() => addressAt('10.0.0.0/29', 10), /too small/);
  });
});
