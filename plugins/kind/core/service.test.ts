import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject, Service, ServiceSpec } from 'kernetes/sdk';
import { services } from './service.ts';
import { defaultService } from './service-defaults.ts';
import { keepAllocated, normalizeAddresses } from './service-update.ts';
import { validateService, validateServiceUpdate } from './service-validation.ts';

function serviceOf(spec: ServiceSpec): Service {
  const service: Service = { metadata: { name: 's' }, spec: structuredClone(spec) };
  defaultService(service);
  normalizeAddresses(service);
  return service;
}

const port = { port: 80, protocol: 'TCP', targetPort: 80 };
const plain: ServiceSpec = { selector: { a: 'b' }, ports: [port] };

describe('validateService()', () => {
  const cases: readonly { name: string; spec: ServiceSpec; wrong?: string[] }[] = [
    { name: 'a plain one', spec: plain },
    { name: 'no ports', spec: {}, wrong: ['Required ports'] },
    { name: 'no ports when headless', spec: { clusterIP: 'None' } },
    { name: 'an external name', spec: { type: 'ExternalName', externalName: 'a.example.' } },
    { name: 'no external name', spec: { type: 'ExternalName' }, wrong: ['Required externalName'] },
    {
      name: 'an external name with an address',
      spec: {
        type: 'ExternalName',
        externalName: 'a',
        clusterIP: '10.0.0.1',
        clusterIPs: ['10.0.0.1'],
      },
      wrong: ['Forbidden clusterIPs'],
    },
    { name: 'an unknown type', spec: { ...plain, type: 'Magic' }, wrong: ['NotSupported type'] },
    {
      name: 'two ports without names',
      spec: { ports: [port, { ...port, port: 81 }] },
      wrong: ['Required ports[0].name', 'Required ports[1].name'],
    },
    {
      name: 'a name and a port twice',
      spec: {
        ports: [
          { ...port, name: 'a' },
          { ...port, name: 'a' },
        ],
      },
      wrong: ['Duplicate ports[1].name', 'Duplicate ports[1]'],
    },
    {
      name: 'one port of two protocols',
      spec: {
        ports: [
          { ...port, name: 'a' },
          { ...port, name: 'b', protocol: 'UDP' },
        ],
      },
    },
    {
      name: 'bad ports',
      spec: { ports: [{ port: 0, protocol: 'X', targetPort: 'no good' }] },
      wrong: [
        'Invalid ports[0].port',
        'NotSupported ports[0].protocol',
        'Invalid ports[0].targetPort',
      ],
    },
    {
      name: 'a node port in the cluster',
      spec: { ports: [{ ...port, nodePort: 30000 }] },
      wrong: ['Forbidden ports[0].nodePort'],
    },
    {
      name: 'a node port twice',
      spec: {
        type: 'NodePort',
        ports: [
          { ...port, name: 'a', nodePort: 30000 },
          { ...port, name: 'b', port: 81, nodePort: 30000 },
        ],
      },
      wrong: ['Duplicate ports[1].nodePort'],
    },
    {
      name: 'a node port without an address',
      spec: { type: 'NodePort', clusterIP: 'None', ports: [port] },
      wrong: ['Invalid clusterIPs[0]'],
    },
    {
      name: "the kubelet's port outside",
      spec: { type: 'LoadBalancer', ports: [{ ...port, port: 10250 }] },
      wrong: ['Invalid ports[0]'],
    },
    {
      name: 'no address',
      spec: { ...plain, clusterIP: 'x', ipFamilies: ['IPv4'] },
      wrong: ['Invalid clusterIPs[0]'],
    },
    {
      name: 'an address of another family',
      spec: { ...plain, clusterIP: '10.0.0.1', ipFamilies: ['IPv6'] },
      wrong: ['Invalid clusterIPs[0]'],
    },
    {
      name: 'two addresses that disagree',
      spec: { ...plain, clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.2'] },
      wrong: ['Invalid clusterIPs'],
    },
    {
      name: 'an external address that leads to the node itself',
      spec: { ...plain, externalIPs: ['127.0.0.1', 'x'] },
      wrong: ['Invalid externalIPs[0]', 'Invalid externalIPs[1]'],
    },
    {
      name: 'stickiness of more than a day',
      spec: {
        ...plain,
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 90_000 } },
      },
      wrong: ['Invalid sessionAffinityConfig.clientIP.timeoutSeconds'],
    },
    {
      name: 'what only a load balancer has',
      spec: {
        ...plain,
        loadBalancerClass: 'a',
        loadBalancerSourceRanges: ['10.0.0.0/8'],
        allocateLoadBalancerNodePorts: true,
      },
      wrong: [
        'Forbidden loadBalancerSourceRanges',
        'Forbidden allocateLoadBalancerNodePorts',
        'Forbidden loadBalancerClass',
      ],
    },
    {
      name: 'a bad range',
      spec: { ...plain, type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/33'] },
      wrong: ['Invalid loadBalancerSourceRanges[0]'],
    },
    {
      name: 'an external policy inside',
      spec: { ...plain, externalTrafficPolicy: 'Local' },
      wrong: ['Invalid externalTrafficPolicy'],
    },
  ];
  for (const { name, spec, wrong = [] } of cases) {
    test(`${wrong.length === 0 ? 'accepts' : 'refuses'} ${name}`, () => {
      const found = validateService(serviceOf(spec)).map(
        ({ reason, field }) => `${reason.replace('FieldValue', '')} ${field.replace('spec.', '')}`,
      );
      assert.deepEqual(found, wrong);
    });
  }
});

describe('keepAllocated()', () => {
  const old = serviceOf({
    ...plain,
    type: 'NodePort',
    clusterIP: '10.0.0.1',
    ports: [{ ...port, nodePort: 30001 }],
  });
  const update = (spec: ServiceSpec, from = old) => {
    const service: Service = { metadata: { name: 's' }, spec: structuredClone(spec) };
    defaultService(service);
    keepAllocated(service, from);
    return {
      spec: service.spec,
      errors: [...validateService(service), ...validateServiceUpdate(service, from)],
    };
  };

  test('keeps address and node port that the update leaves out', () => {
    const { spec, errors } = update({ ...plain, type: 'NodePort' });
    assert.deepEqual(errors, []);
    assert.equal(spec?.clusterIP, '10.0.0.1');
    assert.deepEqual(spec?.clusterIPs, ['10.0.0.1']);
    assert.equal(spec?.ports?.[0]?.nodePort, 30001);
  });

  test('drops the node port when the Service goes inside', () => {
    const { spec, errors } = update({ ...old.spec, type: 'ClusterIP' });
    assert.deepEqual(errors, []);
    assert.equal(spec?.ports?.[0]?.nodePort, undefined);
    assert.equal(spec?.externalTrafficPolicy, undefined);
  });

  test('drops the address when the Service becomes a name, and gives families when it comes back', () => {
    const named = update({ ...old.spec, type: 'ExternalName', externalName: 'a.example' });
    assert.deepEqual(named.errors, []);
    assert.equal(named.spec?.clusterIP, undefined);
    assert.equal(named.spec?.internalTrafficPolicy, undefined);
    const back = update(plain, { metadata: {}, spec: named.spec ?? {} });
    assert.deepEqual(back.errors, []);
    assert.deepEqual(back.spec?.ipFamilies, ['IPv4']);
  });

  test('refuses another address, and none', () => {
    const { clusterIPs: _, ...rest } = old.spec ?? {};
    const fields = (spec: ServiceSpec) =>
      update(spec).errors.map(({ field, message }) => `${field} ${message}`);
    assert.deepEqual(fields({ ...rest, clusterIP: '10.0.0.2' }), [
      'spec.clusterIPs[0] Invalid value: ["10.0.0.2"]: may not change once set',
    ]);
    assert.deepEqual(fields({ ...old.spec, clusterIP: '10.0.0.2' }), [
      'spec.clusterIPs[0] Invalid value: ["10.0.0.2"]: may not change once set',
    ]);
  });

  test('gives a node port to no other port', () => {
    const ports = [
      { ...port, name: 'a', port: 81, nodePort: 30001 },
      { ...port, name: 'b' },
    ];
    assert.deepEqual(
      update({ ...plain, type: 'NodePort', ports }).spec?.ports?.map(({ nodePort }) => nodePort),
      [30001, undefined],
    );
  });
});

describe('rows of services', () => {
  const now = Date.parse('2026-01-01T00:05:00Z');
  const row = (spec: ServiceSpec, status = {}) => {
    const metadata = { name: 's', creationTimestamp: '2026-01-01T00:00:00Z' };
    return services.versions[0]?.row?.({ metadata, spec, status } as KubeObject, now);
  };
  const cases: readonly (readonly [string, ServiceSpec, object, readonly string[]])[] = [
    [
      'in the cluster',
      { type: 'ClusterIP', clusterIP: '10.0.0.1', ports: [port] },
      {},
      ['ClusterIP', '10.0.0.1', '<none>', '80/TCP', '5m', '<none>'],
    ],
    [
      'of a node port',
      {
        type: 'NodePort',
        clusterIPs: ['10.0.0.1'],
        selector: { b: '2', a: '1' },
        ports: [
          { ...port, nodePort: 30007 },
          { port: 53, protocol: 'UDP' },
        ],
      },
      {},
      ['NodePort', '10.0.0.1', '<none>', '80:30007/TCP,53/UDP', '5m', 'a=1,b=2'],
    ],
    [
      'of a balancer to come',
      { type: 'LoadBalancer', ports: [port] },
      {},
      ['LoadBalancer', '<none>', '<pending>', '80/TCP', '5m', '<none>'],
    ],
    [
      'of a balancer',
      { type: 'LoadBalancer', clusterIP: '10.0.0.1', externalIPs: ['9.9.9.9'], ports: [port] },
      { loadBalancer: { ingress: [{ ip: '2.2.2.2' }, { hostname: 'a' }] } },
      ['LoadBalancer', '10.0.0.1', '2.2.2.2,a,9.9.9.9', '80/TCP', '5m', '<none>'],
    ],
    [
      'of a name',
      { type: 'ExternalName', externalName: 'a.example' },
      {},
      ['ExternalName', '<none>', 'a.example', '<none>', '5m', '<none>'],
    ],
  ];
  for (const [name, spec, status, wanted] of cases) {
    test(`show one ${name}`, () => assert.deepEqual(row(spec, status), ['s', ...wanted]));
  }
});
