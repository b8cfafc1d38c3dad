import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admissionPoint } from '../sdk/admission.ts';
import { auditorPoint } from '../sdk/audit.ts';
import { authorizerPoint } from '../sdk/auth.ts';
import { clusterNetworkPoint } from '../sdk/cluster-network.ts';
import type { ExtensionPoint } from '../sdk/extension.ts';
import { kindPoint } from '../sdk/kind-definition.ts';
import { runtimePoint } from '../sdk/runtime.ts';
import { schedulerPoint } from '../sdk/scheduler-contribution.ts';
import { assertComplete, assertMayProvide, ownPoint } from './point-rules.ts';

const ALL = [
  'admission',
  'auditor',
  'authorizer',
  'clusterNetwork',
  'kind',
  'runtime',
  'scheduler',
];
const NAMELESS = /does not name it under "provides"/;
const NO_MANIFEST = /plugin "mine" has no plugin.yaml that says so/;
const OTHER_THREAD = /from another thread: place plugin "mine" inline/;

const CASES: readonly {
  readonly point: { readonly name: string };
  readonly remote: boolean;
  readonly provides?: readonly string[];
  readonly refused?: RegExp;
}[] = [
  { point: schedulerPoint, remote: true },
  { point: schedulerPoint, remote: true, provides: ALL },
  { point: schedulerPoint, remote: true, provides: [], refused: NAMELESS },
  { point: schedulerPoint, remote: false, provides: ['admission'], refused: NAMELESS },
  { point: runtimePoint, remote: true, provides: ALL },
  { point: admissionPoint, remote: true, provides: ALL },
  { point: admissionPoint, remote: true, refused: NO_MANIFEST },
  { point: admissionPoint, remote: false },
  { point: authorizerPoint, remote: true, provides: ALL, refused: OTHER_THREAD },
  { point: authorizerPoint, remote: true, refused: NO_MANIFEST },
  { point: authorizerPoint, remote: false, provides: ALL },
  { point: auditorPoint, remote: true, provides: ALL, refused: OTHER_THREAD },
  { point: auditorPoint, remote: true, refused: NO_MANIFEST },
  { point: clusterNetworkPoint, remote: true, provides: ALL },
  { point: clusterNetworkPoint, remote: true, refused: NO_MANIFEST },
  { point: kindPoint, remote: true, provides: ALL, refused: OTHER_THREAD },
  { point: kindPoint, remote: false },
];

for (const { point, remote, provides, refused } of CASES) {
  const who = `${provides ? `naming [${provides}]` : 'without manifest'}, ${remote ? 'remote' : 'inline'}`;
  test(`a plugin ${who} is ${refused ? 'refused' : 'let'} at "${point.name}"`, () => {
    const attempt = () =>
      assertMayProvide(point as ExtensionPoint<never>, { plugin: 'mine', remote, provides });
    if (refused) assert.throws(attempt, refused);
    else attempt();
  });
}

test('ownPoint() believes nothing about points of the kernel', () => {
  const forged = { name: 'authorizer', combine: 'pipeline', methods: ['authorize'] } as const;
  assert.equal(ownPoint(forged as never), authorizerPoint);
  const other = { name: 'mine', combine: 'unique', methods: ['run'] } as const;
  assert.equal(ownPoint(other as never), other);
});

test('assertComplete() refuses admission rules that the door could not read', () => {
  const rule = { operations: ['CREATE'], groups: ['*'], resources: ['pods'] };
  assertComplete(admissionPoint, { rules: [rule] });
  for (const value of [{}, { rules: {} }, { rules: [null] }, { rules: [{ ...rule, groups: [1] }] }])
    assert.throws(() => assertComplete(admissionPoint, value), /its rules are no list/);
});
