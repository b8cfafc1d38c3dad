import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, PodFailurePolicyRule, PodStatus, SuccessPolicyRule } from 'kernetes/sdk';
import { pod } from 'kernetes/sdk/testing';
import { matchFailurePolicy } from './failure-policy.ts';
import { Indexes } from './indexes.ts';
import { matchSuccessPolicy } from './success-policy.ts';

const ended = (name: string, exitCode: number) => ({
  ...{ name, image: '', imageID: '', ready: false, restartCount: 0 },
  state: { terminated: { exitCode } },
});

function failed(status: PodStatus): Pod {
  return pod('p', { status: { phase: 'Failed', ...status } });
}

const EXIT_3 = failed({ containerStatuses: [ended('main', 3), ended('side', 0)] });
const DISRUPTED = failed({ conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
const codes = (operator: string, values: number[], containerName?: string) => ({
  onExitCodes: { operator, values, ...(containerName && { containerName }) },
});
const onDisruption = { onPodConditions: [{ type: 'DisruptionTarget' }] };

const failures: { name: string; rules: PodFailurePolicyRule[]; pod: Pod; says: string }[] = [
  {
    name: 'an exit code In the values',
    rules: [{ action: 'FailJob', ...codes('In', [2, 3]) }],
    pod: EXIT_3,
    says: 'FailJob: Container main for pod default/p failed with exit code 3 matching FailJob rule at index 0',
  },
  {
    name: 'none that is not',
    rules: [{ action: 'Count', ...codes('In', [2]) }],
    pod: EXIT_3,
    says: '',
  },
  {
    name: 'an exit code NotIn the values, and the first rule that matches',
    rules: [
      { action: 'Ignore', ...codes('NotIn', [3]) },
      { action: 'FailIndex', ...codes('NotIn', [2]) },
      { action: 'Count', ...codes('NotIn', [1]) },
    ],
    pod: EXIT_3,
    says: 'FailIndex: Container main for pod default/p failed with exit code 3 matching FailIndex rule at index 1',
  },
  {
    name: 'never an exit code of 0',
    rules: [{ action: 'Count', ...codes('NotIn', [1], 'side') }],
    pod: EXIT_3,
    says: '',
  },
  {
    name: 'only the container that is named',
    rules: [{ action: 'Count', ...codes('In', [3], 'other') }],
    pod: EXIT_3,
    says: '',
  },
  {
    name: 'init containers too',
    rules: [{ action: 'Ignore', ...codes('In', [4], 'init') }],
    pod: failed({ initContainerStatuses: [ended('init', 4)] }),
    says: 'Ignore: Container init for pod default/p failed with exit code 4 matching Ignore rule at index 0',
  },
  {
    name: 'a condition of the pod',
    rules: [{ action: 'Ignore', ...onDisruption }],
    pod: DISRUPTED,
    says: 'Ignore: Pod default/p has condition DisruptionTarget matching Ignore rule at index 0',
  },
  {
    name: 'not a condition of another status',
    rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'False' }] }],
    pod: DISRUPTED,
    says: '',
  },
];

describe('matchFailurePolicy()', () => {
  for (const { name, rules, pod, says } of failures) {
    it(`matches ${name}`, () => {
      const match = matchFailurePolicy({ rules }, pod);
      assert.equal(match ? `${match.action}: ${match.message}` : '', says);
    });
  }
});

const successes: { name: string; rules: SuccessPolicyRule[]; succeeded: number[]; at?: number }[] =
  [
    {
      name: 'all of the indexes',
      rules: [{ succeededIndexes: '0,2-3' }],
      succeeded: [0, 2, 3],
      at: 0,
    },
    { name: 'not some of them', rules: [{ succeededIndexes: '0,2-3' }], succeeded: [0, 1, 2] },
    {
      name: 'as many of the indexes as it counts',
      rules: [{ succeededIndexes: '0,2-3', succeededCount: 2 }],
      succeeded: [1, 2, 3],
      at: 0,
    },
    { name: 'as many of any', rules: [{ succeededCount: 2 }], succeeded: [1, 4], at: 0 },
    { name: 'not fewer', rules: [{ succeededCount: 2 }], succeeded: [1] },
    {
      name: 'the first rule that holds',
      rules: [{ succeededIndexes: '4' }, { succeededCount: 1 }, { succeededIndexes: '1' }],
      succeeded: [1],
      at: 1,
    },
    {
      name: 'no rule before anything has succeeded',
      rules: [{ succeededCount: 0 }],
      succeeded: [],
    },
    { name: 'no indexes that there are not', rules: [{ succeededIndexes: '7' }], succeeded: [1] },
  ];

describe('matchSuccessPolicy()', () => {
  for (const { name, rules, succeeded, at } of successes) {
    it(`takes ${name}`, () => {
      const said = matchSuccessPolicy({ rules }, Indexes.of(succeeded), 5);
      assert.equal(said, at === undefined ? undefined : `Matched rules at index ${at}`);
    });
  }
});
