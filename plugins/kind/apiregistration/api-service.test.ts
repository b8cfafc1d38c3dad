import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { APIService, KubeObject } from 'kernetes/sdk';
import { createdAs, rowOf } from 'kernetes/sdk/testing';
import { apiServices } from './api-service.ts';

type Spec = NonNullable<APIService['spec']>;

const SERVICE = { namespace: 'kube-system', name: 'metrics' };
const SPEC: Spec = {
  group: 'metrics.k8s.io',
  version: 'v1',
  groupPriorityMinimum: 100,
  versionPriority: 1,
};

function created(spec: Partial<Spec>, name = 'v1.metrics.k8s.io') {
  const body = { metadata: { name }, spec: { ...SPEC, ...spec } } as KubeObject;
  const { object, errors } = createdAs(apiServices, 'v1', body);
  return { object: object as APIService, errors };
}

test('an APIService of this server is available at once', () => {
  const { object, errors } = created({});
  assert.deepEqual(errors, []);
  assert.equal(object.status?.conditions?.[0]?.reason, 'Local');
});

test('an APIService of a Service goes to port 443, and is not available before it is asked', () => {
  const { object, errors } = created({ service: SERVICE });
  assert.deepEqual(errors, []);
  assert.deepEqual([object.spec?.service?.port, object.status], [443, {}]);
});

const refusals: { name: string; spec?: Partial<Spec>; called?: string; wanted: string[] }[] = [
  { name: 'another name', called: 'metrics', wanted: ['metadata.name'] },
  { name: 'no group', spec: { group: '', version: 'v2' }, called: 'v2.', wanted: ['spec.group'] },
  { name: 'a bad group', spec: { group: 'A' }, called: 'v1.A', wanted: ['spec.group'] },
  {
    name: 'a bad version',
    spec: { version: '1' },
    called: '1.metrics.k8s.io',
    wanted: ['spec.version'],
  },
  {
    name: 'priorities out of their range',
    spec: { groupPriorityMinimum: 20_001, versionPriority: 0 },
    wanted: ['spec.groupPriorityMinimum', 'spec.versionPriority'],
  },
  {
    name: 'trust without a service',
    spec: { caBundle: 'QQ==', insecureSkipTLSVerify: true },
    wanted: ['spec.caBundle', 'spec.insecureSkipTLSVerify'],
  },
  {
    name: 'a service that is none',
    spec: { service: { port: 0 } },
    wanted: ['spec.service.namespace', 'spec.service.name', 'spec.service.port'],
  },
  {
    name: 'a bundle that is not looked at',
    spec: { service: SERVICE, caBundle: 'QQ==', insecureSkipTLSVerify: true },
    wanted: ['spec.insecureSkipTLSVerify'],
  },
];
for (const { name, spec = {}, called, wanted } of refusals) {
  test(`APIService validation refuses ${name}`, () => {
    const { errors } = created(spec, called);
    assert.deepEqual(
      errors.map(({ field }) => field),
      wanted,
    );
  });
}

test('APIService row', () => {
  const cells = (status: APIService['status'], spec: Partial<Spec>) => {
    const object = { metadata: { name: 'x' }, spec: { ...SPEC, ...spec }, status } as KubeObject;
    const { Service, Available } = rowOf(apiServices, 'v1', { object, now: 0 });
    return [Service, Available];
  };
  const no = { type: 'Available', status: 'False', reason: 'MissingEndpoints' };
  const yes = { type: 'Available', status: 'True' };
  assert.deepEqual(cells({ conditions: [yes] }, {}), ['Local', 'True']);
  const remote = ['kube-system/metrics', 'False (MissingEndpoints)'];
  assert.deepEqual(cells({ conditions: [no] }, { service: SERVICE }), remote);
  assert.deepEqual(cells({}, { service: SERVICE }), ['kube-system/metrics', 'Unknown']);
});
