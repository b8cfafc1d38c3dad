import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type KubeObject,
  type LabelSelector,
  type PodDisruptionBudget,
  selectorFrom,
} from 'kernetes/sdk';
import { createdAs, rowOf, versionOf } from 'kernetes/sdk/testing';
import { recorded } from '../../../test/testdata/recorded.ts';
import { podDisruptionBudgets } from './pod-disruption-budget.ts';
import { podSecurityPolicies } from './pod-security-policy.ts';

test('PodDisruptionBudget gets the defaults that a real server gives', () => {
  const { request, response } = recorded('defaults/pdb.json');
  const { object, errors } = createdAs(podDisruptionBudgets, 'v1beta1', request.body);
  const { spec, status } = object as PodDisruptionBudget;
  assert.deepEqual(errors, []);
  assert.deepEqual({ spec, status }, { spec: response.body.spec, status: response.body.status });
});

const refusals: { name: string; spec: object; wanted: string[] }[] = [
  { name: 'both limits', spec: { minAvailable: 1, maxUnavailable: 1 }, wanted: ['spec'] },
  { name: 'more than all pods', spec: { minAvailable: '101%' }, wanted: ['spec.minAvailable'] },
  { name: 'no number', spec: { maxUnavailable: 'few' }, wanted: ['spec.maxUnavailable'] },
  { name: 'a negative number', spec: { maxUnavailable: -1 }, wanted: ['spec.maxUnavailable'] },
  {
    name: 'an unknown policy',
    spec: { unhealthyPodEvictionPolicy: 'Never' },
    wanted: ['spec.unhealthyPodEvictionPolicy'],
  },
];
for (const { name, spec, wanted } of refusals) {
  test(`PodDisruptionBudget validation refuses ${name}`, () => {
    const { errors } = createdAs(podDisruptionBudgets, 'v1', { metadata: {}, spec } as KubeObject);
    assert.deepEqual(
      errors.map(({ field }) => field),
      wanted,
    );
  });
}

test('a selector selects the same through both versions', () => {
  const { toStorage, fromStorage } = versionOf(podDisruptionBudgets, 'v1beta1');
  const budget = (selector: LabelSelector) => ({ metadata: {}, spec: { selector } }) as KubeObject;
  const selectorOf = (object: KubeObject | undefined) =>
    (object as PodDisruptionBudget).spec?.selector;
  const labels = { app: 'x' };

  const none = toStorage?.(budget({}));
  assert.equal(selectorFrom(selectorOf(none)).matches(labels), false);
  assert.deepEqual(selectorOf(fromStorage?.(none as KubeObject)), {});

  const all = fromStorage?.(budget({}));
  assert.equal(selectorFrom(selectorOf(all)).matches(labels), true);
  assert.equal(selectorFrom(selectorOf(all)).empty, false);
  assert.deepEqual(selectorOf(toStorage?.(all as KubeObject)), {});

  const some = { matchLabels: labels };
  assert.deepEqual(selectorOf(toStorage?.(budget(some))), some);
  assert.deepEqual(toStorage?.({ metadata: {} }), { metadata: {} });
});

test('PodDisruptionBudget row', () => {
  const object = {
    metadata: { name: 'x' },
    spec: { minAvailable: '50%' },
    status: { disruptionsAllowed: 2 },
  };
  assert.deepEqual(rowOf(podDisruptionBudgets, 'v1', { object, now: 0 }), {
    Name: 'x',
    'Min Available': '50%',
    'Max Unavailable': 'N/A',
    'Allowed Disruptions': 2,
    Age: '<unknown>',
  });
});

const securityRefusals: { name: string; spec: object; wanted: string[] }[] = [
  { name: 'nothing that is fine', spec: {}, wanted: [] },
  {
    name: 'an unknown rule and a range that is none',
    spec: {
      runAsUser: { rule: 'Any' },
      fsGroup: { rule: 'RunAsAny', ranges: [{ min: 2, max: 1 }] },
    },
    wanted: ['spec.runAsUser.rule', 'spec.fsGroup.ranges[0].min'],
  },
  {
    name: 'a capability that is dropped',
    spec: { requiredDropCapabilities: ['A'], allowedCapabilities: ['A', 'B'] },
    wanted: ['spec.allowedCapabilities'],
  },
  {
    name: 'escalation by default that is not allowed',
    spec: { allowPrivilegeEscalation: false, defaultAllowPrivilegeEscalation: true },
    wanted: ['spec.defaultAllowPrivilegeEscalation'],
  },
];
for (const { name, spec, wanted } of securityRefusals) {
  test(`PodSecurityPolicy validation refuses ${name}`, () => {
    const any = { rule: 'RunAsAny' };
    const rules = { seLinux: any, runAsUser: any, supplementalGroups: any, fsGroup: any };
    const policy = { metadata: { name: 'x' }, spec: { ...rules, ...spec } } as KubeObject;
    const { errors } = createdAs(podSecurityPolicies, 'v1beta1', policy);
    assert.deepEqual(
      errors.map(({ field }) => field),
      wanted,
    );
  });
}
