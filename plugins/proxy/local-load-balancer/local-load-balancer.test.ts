import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LoadBalancer, loadBalancerPoint, Service, type ServiceSpec } from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import { parseRange } from './address-range.ts';
import plugin from './plugin.ts';

function service(name: string, spec: ServiceSpec = {}, ...ips: string[]): Service {
  return {
    metadata: { name, namespace: 'default' },
    spec: { type: 'LoadBalancer', ...spec },
    status: { loadBalancer: { ingress: ips.map(ip => ({ ip })) } },
  };
}

async function setUp(addresses: string[], ...services: Service[]) {
  const kernel = new TestKernel();
  const stored = kernel.add(Service, ...services);
  const config = { class: '', addresses };
  const { context } = await activate(plugin, { kernel, config });
  const [contribution] = context.contributions(loadBalancerPoint).list();
  assert.ok(contribution);
  return { kernel, stored, balancer: contribution.value };
}

async function ensure(balancer: LoadBalancer, subject: Service): Promise<string[]> {
  return (await balancer.ensure(subject, [])).map(({ ip = '' }) => ip);
}

describe('proxy.local-load-balancer', () => {
  it('gives the lowest free address, and the same again', async () => {
    const { balancer } = await setUp(['192.0.2.1-192.0.2.2']);
    assert.deepEqual(await ensure(balancer, service('a')), ['192.0.2.1']);
    assert.deepEqual(await ensure(balancer, service('b')), ['192.0.2.2']);
    assert.deepEqual(await ensure(balancer, service('a')), ['192.0.2.1']);
  });

  it('says when none is free, and gives out what was given back', async () => {
    const { balancer } = await setUp(['192.0.2.1']);
    await ensure(balancer, service('a'));
    await assert.rejects(ensure(balancer, service('b')), /no IPv4 address of the pool is free/);
    await balancer.release(service('a'));
    assert.deepEqual(await ensure(balancer, service('b')), ['192.0.2.1']);
  });

  it('knows after a restart what the Services have', async () => {
    const { balancer, stored } = await setUp(
      ['192.0.2.0/30'],
      service('a', {}, '192.0.2.2'),
      service('b', {}, '192.0.2.0'),
    );
    assert.deepEqual(await ensure(balancer, service('c')), ['192.0.2.1']);
    for (const [i, ip] of ['192.0.2.2', '192.0.2.0'].entries()) {
      assert.deepEqual(await ensure(balancer, stored[i] ?? service('x')), [ip]);
    }
  });

  it('gives a Service of both families an address of each', async () => {
    const { balancer } = await setUp(['192.0.2.1', '2001:db8::10-2001:db8::1f']);
    const dual = service('a', { ipFamilies: ['IPv6', 'IPv4'] });
    assert.deepEqual(await ensure(balancer, dual), ['2001:db8::10', '192.0.2.1']);
  });

  const claims: { readonly name: string; readonly ip: string; readonly wanted: string | RegExp }[] =
    [
      { name: 'that is free', ip: '192.0.2.9', wanted: '192.0.2.9' },
      { name: 'that another has', ip: '192.0.2.1', wanted: /is taken by "default\/other"/ },
      { name: 'outside the pool', ip: '198.51.100.1', wanted: /is not in the pool/ },
    ];
  for (const { name, ip, wanted } of claims) {
    it(`treats a wish for an address ${name} as it must`, async () => {
      const { balancer } = await setUp(['192.0.2.1-192.0.2.9'], service('other', {}, '192.0.2.1'));
      const answer = ensure(balancer, service('a', { loadBalancerIP: ip }));
      if (typeof wanted === 'string') assert.deepEqual(await answer, [wanted]);
      else await assert.rejects(answer, wanted);
    });
  }

  it('sees what another process hands out and takes back', async () => {
    const { balancer, kernel } = await setUp(['192.0.2.1-192.0.2.2'], service('a'));
    const tell = async (...ips: string[]) => {
      kernel.modify(Service, 'default/a', each => {
        each.status = { loadBalancer: { ingress: ips.map(ip => ({ ip })) } };
      });
      await new Promise(resolve => setImmediate(resolve));
    };
    await tell('192.0.2.1');
    assert.deepEqual(await ensure(balancer, service('b')), ['192.0.2.2']);
    await tell();
    assert.deepEqual(await ensure(balancer, service('c')), ['192.0.2.1']);
  });

  it('takes up a deleted Service’s address', async () => {
    const { balancer, kernel } = await setUp(['192.0.2.1'], service('a', {}, '192.0.2.1'));
    await kernel.objects.delete(Service, { namespace: 'default', name: 'a' });
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(await ensure(balancer, service('b')), ['192.0.2.1']);
  });
});

describe('parseRange()', () => {
  for (const text of [
    '',
    'x',
    '192.0.2.9-192.0.2.1',
    '192.0.2.1-2001:db8::1',
    '192.0.2.0/33',
    '1.2',
  ]) {
    it(`refuses "${text}"`, () => assert.throws(() => parseRange(text), /^Error: Cannot read/));
  }
});
