import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { discoveryV1beta1, EndpointSlice, KubeObject } from 'kernetes/sdk';
import { createdAs, rowOf, updatedAs } from 'kernetes/sdk/testing';
import { fromV1beta1, toV1beta1 } from './conversion.ts';
import { endpointSlices } from './endpoint-slice.ts';

const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

const conversions: { name: string; old: object; stored: object }[] = [
  { name: 'no topology', old: {}, stored: {} },
  {
    name: 'node and zone',
    old: { nodeName: 'n', topology: { [HOSTNAME]: 'n', [ZONE]: 'z' } },
    stored: { nodeName: 'n', zone: 'z' },
  },
  {
    name: 'another hostname than the node',
    old: { nodeName: 'n', topology: { [HOSTNAME]: 'm', rack: '7' } },
    stored: { nodeName: 'n', deprecatedTopology: { [HOSTNAME]: 'm', rack: '7' } },
  },
  {
    name: 'a hostname without node',
    old: { topology: { [HOSTNAME]: 'm' } },
    stored: { deprecatedTopology: { [HOSTNAME]: 'm' } },
  },
];
for (const { name, old, stored } of conversions) {
  test(`v1beta1 and v1 mean the same with ${name}`, () => {
    const slice = (endpoint: object) => ({
      metadata: {},
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], ...endpoint }],
    });
    assert.deepEqual(fromV1beta1(slice(old)), slice(stored));
    assert.deepEqual(toV1beta1(slice(stored)), slice(old));
  });
}

const text = fc.stringMatching(/^[a-z]{1,5}$/);
const endpoint = fc.record(
  {
    addresses: fc.array(text),
    nodeName: text,
    zone: text,
    hostname: text,
    deprecatedTopology: fc.dictionary(text, text, { minKeys: 1 }),
    hints: fc.record({ forZones: fc.array(fc.record({ name: text })) }),
  },
  { requiredKeys: ['addresses'] },
);
test('conversion to v1beta1 and back loses nothing', () => {
  fc.assert(
    fc.property(fc.array(endpoint), endpoints => {
      const slice = structuredClone({
        metadata: {},
        addressType: 'IPv4',
        endpoints,
      }) as EndpointSlice;
      assert.deepEqual(fromV1beta1(toV1beta1(structuredClone(slice))), slice);
    }),
  );
});

test('ports get a name and a protocol', () => {
  const { object, errors } = create({ ports: [{ port: 80 }] });
  assert.deepEqual(errors, []);
  assert.deepEqual(object.ports, [{ port: 80, name: '', protocol: 'TCP' }]);
});

const addresses = (type: string, ...list: string[]) => ({
  addressType: type,
  endpoints: [{ addresses: list }],
});
const refusals: { name: string; slice: object; wanted: string[] }[] = [
  { name: 'no type', slice: { addressType: '' }, wanted: ['addressType'] },
  { name: 'an unknown type', slice: { addressType: 'IP' }, wanted: ['addressType'] },
  { name: 'no addresses', slice: addresses('IPv4'), wanted: ['endpoints[0].addresses'] },
  {
    name: 'IPv6 among IPv4',
    slice: addresses('IPv4', '10.0.0.1', '::1'),
    wanted: ['endpoints[0].addresses[1]'],
  },
  {
    name: 'addresses of this machine',
    slice: addresses('IPv6', '::1', 'fe80::1', '::', '2001:db8::1'),
    wanted: [0, 1, 2].map(i => `endpoints[0].addresses[${i}]`),
  },
  {
    name: 'octal numbers',
    slice: addresses('IPv4', '010.0.0.1'),
    wanted: ['endpoints[0].addresses[0]'],
  },
  {
    name: 'a domain of one segment',
    slice: addresses('FQDN', 'a.b', 'a'),
    wanted: ['endpoints[0].addresses[1]'],
  },
  {
    name: 'two ports of one name',
    slice: { ports: [{ port: 1 }, { port: 2 }] },
    wanted: ['ports[1].name'],
  },
  {
    name: 'an unknown protocol',
    slice: { ports: [{ protocol: 'ICMP' }] },
    wanted: ['ports[0].protocol'],
  },
  {
    name: 'too many endpoints',
    slice: { endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] })) },
    wanted: ['endpoints'],
  },
];
for (const { name, slice, wanted } of refusals) {
  test(`EndpointSlice validation refuses ${name}`, () => {
    assert.deepEqual(
      create(slice).errors.map(({ field }) => field),
      wanted,
    );
  });
}

test('an old slice is validated as what it is in v1', () => {
  const endpoints = [{ addresses: ['10.0.0.1'], topology: { 'a b': '' } }];
  const body = {
    apiVersion: 'discovery.k8s.io/v1beta1',
    metadata: {},
    addressType: 'IPv4',
    endpoints,
  };
  const { object, errors } = createdAs<KubeObject>(endpointSlices, 'v1beta1', body);
  assert.deepEqual(
    errors.map(({ field }) => field),
    ['endpoints[0].deprecatedTopology'],
  );
  assert.deepEqual((object as discoveryV1beta1.EndpointSlice).endpoints, endpoints);
});

test('deprecatedTopology cannot be written through v1, but stays while endpoints do', () => {
  const endpoints = [{ addresses: ['10.0.0.1'], deprecatedTopology: { rack: '7' } }];
  const old = { metadata: { generation: 1 }, addressType: 'IPv4', endpoints } as EndpointSlice;
  assert.deepEqual(create({ endpoints }).object.endpoints, [{ addresses: ['10.0.0.1'] }]);
  const labelled: EndpointSlice = { ...old, metadata: { generation: 1, labels: { a: 'b' } } };
  const kept = updatedAs(endpointSlices, 'v1', { body: labelled, old }).object;
  assert.deepEqual(kept.endpoints, endpoints);
  assert.equal(kept.metadata.generation, 2);
  const moved = {
    ...old,
    endpoints: [{ ...endpoints[0], addresses: ['10.0.0.2'] }],
  } as EndpointSlice;
  const { object } = updatedAs(endpointSlices, 'v1', { body: moved, old });
  assert.deepEqual(object.endpoints, [{ addresses: ['10.0.0.2'] }]);
});

test('EndpointSlice keeps its generation and its address type', () => {
  const old = create({}).object;
  assert.equal(old.metadata.generation, 1);
  assert.equal(updatedAs(endpointSlices, 'v1', { body: old, old }).object.metadata.generation, 1);
  const { errors } = updatedAs(endpointSlices, 'v1', {
    body: { ...old, addressType: 'IPv6' },
    old,
  });
  assert.deepEqual(
    errors.map(({ field }) => field),
    ['addressType'],
  );
});

const rows: { slice: object; ports: string; endpoints: string }[] = [
  { slice: {}, ports: '<unset>', endpoints: '<unset>' },
  {
    slice: {
      ports: [{ port: 80 }, { name: 'b' }, {}],
      endpoints: [{ addresses: ['a', 'b'] }, { addresses: ['c'] }],
    },
    ports: '80,b,*',
    endpoints: 'a,b,c',
  },
  {
    slice: {
      ports: [1, 2, 3, 4].map(port => ({ port })),
      endpoints: [{ addresses: ['a', 'b', 'c', 'd', 'e'] }],
    },
    ports: '1,2,3 + 1 more...',
    endpoints: 'a,b,c + 2 more...',
  },
];
for (const { slice, ports, endpoints } of rows) {
  test(`EndpointSlice row with ports ${ports}`, () => {
    const object = { metadata: { name: 'x' }, addressType: 'IPv4', ...slice } as KubeObject;
    assert.deepEqual(rowOf(endpointSlices, 'v1', { object, now: 0 }), {
      Name: 'x',
      AddressType: 'IPv4',
      Ports: ports,
      Endpoints: endpoints,
      Age: '<unknown>',
    });
  });
}

function create(slice: object) {
  const body = { metadata: {}, addressType: 'IPv4', ...slice } as EndpointSlice;
  return createdAs(endpointSlices, 'v1', body);
}
