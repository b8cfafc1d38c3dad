import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KindDefinition, KubeObject } from 'kernetes/sdk';
import { createdAs, rowOf, updatedAs } from 'kernetes/sdk/testing';
import { recorded } from '../../../test/testdata/recorded.ts';
import { ipAddresses, serviceCidrs } from './address.ts';
import { extensionsIngresses, ingresses } from './ingress.ts';
import { ingressClasses } from './ingress-class.ts';
import { networkPolicies } from './network-policy.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 5);

for (const [name, kind, version] of [
  ['ingress-v1', ingresses, 'v1'],
  ['ingress-extensions', extensionsIngresses, 'v1beta1'],
  ['networkpolicy', networkPolicies, 'v1'],
] as const) {
  test(`${name} gets the defaults that a real server gives`, () => {
    const { request, response } = recorded(`defaults/${name}.json`);
    const { object, errors } = createdAs(kind, version, request.body) as unknown as Created;
    assert.deepEqual(errors, []);
    assert.deepEqual(object.spec, response.body.spec);
    assert.deepEqual(object.status, response.body.status);
    assert.equal(object.metadata.generation, response.body.metadata.generation);
  });
}

test('an Ingress without backends is refused as a real server does', () => {
  const { request, response } = recorded('errors/ingress-no-backend.json');
  const [error, ...more] = createdAs(ingresses, 'v1', request.body).errors;
  const [cause] = response.body.details.causes;
  assert.deepEqual(more, []);
  assert.deepEqual([error?.reason, error?.field], [cause.reason, cause.field]);
});

const SERVICE = { name: 's', port: { number: 80 } };
const path = (fields: object) => ({
  rules: [
    {
      http: {
        paths: [{ path: '/', pathType: 'Prefix', backend: { service: SERVICE }, ...fields }],
      },
    },
  ],
});
const PATH = 'spec.rules[0].http.paths[0]';
const refusals: { name: string; kind: KindDefinition; spec: object; wanted: string[] }[] = [
  {
    name: 'an address for a host',
    kind: ingresses,
    spec: { rules: [{ host: '10.0.0.1' }] },
    wanted: ['spec.rules[0].host'],
  },
  {
    name: 'a wildcard inside a host',
    kind: ingresses,
    spec: { rules: [{ host: 'a.*.com' }] },
    wanted: ['spec.rules[0].host'],
  },
  {
    name: 'rules without paths',
    kind: ingresses,
    spec: { rules: [{ http: {} }] },
    wanted: ['spec.rules[0].http.paths'],
  },
  {
    name: 'no pathType',
    kind: ingresses,
    spec: path({ pathType: undefined }),
    wanted: [`${PATH}.pathType`],
  },
  {
    name: 'a relative path',
    kind: ingresses,
    spec: path({ path: 'a//b/..' }),
    wanted: [`${PATH}.path`, `${PATH}.path`, `${PATH}.path`],
  },
  {
    name: 'an empty backend',
    kind: ingresses,
    spec: path({ backend: {} }),
    wanted: [`${PATH}.backend`],
  },
  {
    name: 'two ports',
    kind: ingresses,
    spec: path({ backend: { service: { name: 's', port: { name: 'a', number: 1 } } } }),
    wanted: [`${PATH}.backend`],
  },
  {
    name: 'a bad port and service',
    kind: ingresses,
    spec: path({ backend: { service: { name: '-', port: { number: 70_000 } } } }),
    wanted: [`${PATH}.backend.service.name`, `${PATH}.backend.service.port.number`],
  },
  {
    name: 'a nameless resource',
    kind: ingresses,
    spec: { defaultBackend: { resource: { kind: 'a/b' } } },
    wanted: ['spec.defaultBackend.resource.kind', 'spec.defaultBackend.resource.name'],
  },
  {
    name: 'bad TLS hosts',
    kind: ingresses,
    spec: { ...path({}), tls: [{ hosts: ['a_b'], secretName: 'X' }] },
    wanted: ['spec.tls[0].hosts[0]', 'spec.tls[0].secretName'],
  },
  { name: 'no controller', kind: ingressClasses, spec: {}, wanted: ['spec.controller'] },
  {
    name: 'a controller without domain',
    kind: ingressClasses,
    spec: { controller: 'nginx' },
    wanted: ['spec.controller'],
  },
  {
    name: 'a namespace of a cluster-wide parameter',
    kind: ingressClasses,
    spec: { controller: 'a.b/c', parameters: { kind: 'K', name: 'n', namespace: 'd' } },
    wanted: ['spec.parameters.namespace'],
  },
  {
    name: 'a peer that is nothing',
    kind: networkPolicies,
    spec: { ingress: [{ from: [{}] }] },
    wanted: ['spec.ingress[0].from[0]'],
  },
  {
    name: 'a block beside a selector',
    kind: networkPolicies,
    spec: { egress: [{ to: [{ podSelector: {}, ipBlock: { cidr: '::/0' } }] }] },
    wanted: ['spec.egress[0].to[0]'],
  },
  {
    name: 'exceptions outside of the block',
    kind: networkPolicies,
    spec: {
      ingress: [
        {
          from: [
            {
              ipBlock: {
                cidr: '10.0.0.0/8',
                except: ['10.1.0.0/16', '11.0.0.0/16', '10.0.0.0/8', 'x'],
              },
            },
          ],
        },
      ],
    },
    wanted: [1, 2, 3].map(i => `spec.ingress[0].from[0].ipBlock.except[${i}]`),
  },
  {
    name: 'port ranges of names, and backwards',
    kind: networkPolicies,
    spec: {
      ingress: [{ ports: [{ port: 'http', endPort: 2 }, { port: 5, endPort: 4 }, { endPort: 4 }] }],
    },
    wanted: [0, 1, 2].map(i => `spec.ingress[0].ports[${i}].endPort`),
  },
  {
    name: 'unknown protocols and types',
    kind: networkPolicies,
    spec: { policyTypes: ['Both'], ingress: [{ ports: [{ protocol: 'ICMP' }] }] },
    wanted: ['spec.ingress[0].ports[0].protocol', 'spec.policyTypes'],
  },
  {
    name: 'two ranges of one family',
    kind: serviceCidrs,
    spec: { cidrs: ['10.0.0.0/8', '11.0.0.0/8'] },
    wanted: ['spec.cidrs'],
  },
  { name: 'no parent', kind: ipAddresses, spec: {}, wanted: ['spec.parentRef'] },
];
for (const { name, kind, spec, wanted } of refusals) {
  test(`${kind.kind} validation refuses ${name}`, () => {
    const { errors } = createdAs(kind, 'v1', { metadata: { name: 'x' }, spec } as KubeObject);
    assert.deepEqual(
      errors.map(({ field }) => field),
      wanted,
    );
  });
}

test('an Ingress of v1beta1 is validated as what it is in v1', () => {
  const spec = { backend: { serviceName: 's' } };
  const body = { apiVersion: 'extensions/v1beta1', metadata: { name: 'x' }, spec } as KubeObject;
  const { object, errors } = createdAs(extensionsIngresses, 'v1beta1', body) as unknown as Created;
  assert.deepEqual(
    errors.map(({ field }) => field),
    ['spec.defaultBackend'],
  );
  assert.deepEqual(object.spec, spec);
});

test('a new Ingress must not contradict its class annotation, an old one may', () => {
  const metadata = { name: 'x', annotations: { 'kubernetes.io/ingress.class': 'a' } };
  const body = { metadata, spec: { ...path({}), ingressClassName: 'b' } } as KubeObject;
  const fields = createdAs(ingresses, 'v1', body).errors.map(({ field }) => field);
  assert.deepEqual(fields, ['metadata.annotations.kubernetes.io/ingress.class']);
  assert.deepEqual(updatedAs(ingresses, 'v1', { body, old: body }).errors, []);
});

test('both Ingress kinds are one object', () => {
  assert.deepEqual(extensionsIngresses.storage, ingresses.storage);
});

const hosts = (...names: string[]) => ({ rules: names.map(host => ({ host })) });
const ingressRows: { name: string; spec: object; status?: object; wanted: object }[] = [
  {
    name: 'nothing but a default backend',
    spec: {},
    wanted: { Class: '<none>', Hosts: '*', Address: '', Ports: '80' },
  },
  {
    name: 'TLS and an address',
    spec: { ...hosts('a', 'b'), tls: [{}], ingressClassName: 'nginx' },
    status: {
      loadBalancer: { ingress: [{ ip: '10.0.0.2' }, { hostname: '10.0.0.1' }, { ip: '10.0.0.2' }] },
    },
    wanted: { Class: 'nginx', Hosts: 'a,b', Address: '10.0.0.1,10.0.0.2', Ports: '80, 443' },
  },
  {
    name: 'three hosts',
    spec: hosts('a', 'b', 'c'),
    wanted: { Class: '<none>', Hosts: 'a,b,c', Address: '', Ports: '80' },
  },
  {
    name: 'five hosts',
    spec: hosts('a', 'b', 'c', 'd', 'e'),
    wanted: { Class: '<none>', Hosts: 'a,b,c + 2 more...', Address: '', Ports: '80' },
  },
];
for (const { name, spec, status, wanted } of ingressRows) {
  test(`Ingress row with ${name}`, () => {
    const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };
    const object = { metadata, spec, status } as KubeObject;
    assert.deepEqual(rowOf(ingresses, 'v1', { object, now: NOW }), {
      Name: 'x',
      Age: '5m',
      ...wanted,
    });
  });
}

const rows: { kind: KindDefinition; spec: object; wanted: object }[] = [
  {
    kind: ingressClasses,
    spec: { controller: 'a.b/c', parameters: { apiGroup: 'a.b', kind: 'K', name: 'n' } },
    wanted: { Controller: 'a.b/c', Parameters: 'K.a.b/n', Age: '<unknown>' },
  },
  {
    kind: networkPolicies,
    spec: { podSelector: {} },
    wanted: { 'Pod-Selector': '<none>', Age: '<unknown>' },
  },
  {
    kind: networkPolicies,
    spec: { podSelector: { matchLabels: { b: '1', a: '2' } } },
    wanted: { 'Pod-Selector': 'a=2,b=1', Age: '<unknown>' },
  },
  {
    kind: ipAddresses,
    spec: { parentRef: { resource: 'services', namespace: 'd', name: 's' } },
    wanted: { ParentRef: 'services/d/s' },
  },
  {
    kind: serviceCidrs,
    spec: { cidrs: ['10.0.0.0/8', 'fd00::/8'] },
    wanted: { CIDRs: '10.0.0.0/8,fd00::/8', Age: '<unknown>' },
  },
];
for (const { kind, spec, wanted } of rows) {
  test(`${kind.kind} row with ${JSON.stringify(spec)}`, () => {
    const object = { metadata: { name: 'x' }, spec } as KubeObject;
    assert.deepEqual(rowOf(kind, 'v1', { object, now: NOW }), { Name: 'x', ...wanted });
  });
}

test('IPAddress names are addresses in their one form', () => {
  const check = (name: string) => ipAddresses.strategy.validateName?.(name, false);
  for (const name of ['10.0.0.1', 'fd00::1']) assert.equal(check(name), undefined);
  for (const name of ['010.0.0.1', '10.1', 'FD00::1', 'fd00:0::1', 'x']) assert.ok(check(name));
});

test('ServiceCIDR takes a second range and keeps its first', () => {
  const at = (...cidrs: string[]) => ({ metadata: { name: 'x' }, spec: { cidrs } }) as KubeObject;
  const update = (body: KubeObject, old: KubeObject) =>
    updatedAs(serviceCidrs, 'v1', { body, old }).errors;
  assert.deepEqual(update(at('10.0.0.0/8', 'fd00::/8'), at('10.0.0.0/8')), []);
  assert.equal(update(at('11.0.0.0/8'), at('10.0.0.0/8'))[0]?.field, 'spec.cidrs');
});

interface Created {
  object: KubeObject & { spec: object; status?: object };
  errors: { field: string }[];
}
