import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DaemonSet, NodeAffinity, PodSpec, Taint } from 'kernetes/sdk';
import { node } from 'kernetes/sdk/testing';
import { daemonTolerations, NOWHERE, Placement } from './placement.ts';

const ANYWHERE = { shouldRun: true, mayStay: true };
const STAY = { shouldRun: false, mayStay: true };

function setOf(spec: Partial<PodSpec>): DaemonSet {
  const template = { spec: { containers: [], ...spec } };
  return { metadata: { name: 'proxy' }, spec: { selector: {}, template } };
}

function required(key: string, value: string): { nodeAffinity: NodeAffinity } {
  const nodeSelectorTerms = [{ matchExpressions: [{ key, operator: 'In', values: [value] }] }];
  return {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  };
}

function taint(key: string, effect: string): Taint {
  return { key, effect };
}

interface Case {
  readonly name: string;
  readonly pod?: Partial<PodSpec>;
  readonly labels?: Record<string, string>;
  readonly taints?: Taint[];
  readonly verdict: typeof ANYWHERE;
}

const cases: Case[] = [
  { name: 'a plain node', verdict: ANYWHERE },
  { name: 'the node that it names', pod: { nodeName: 'n' }, verdict: ANYWHERE },
  { name: 'another than the node that it names', pod: { nodeName: 'm' }, verdict: NOWHERE },
  {
    name: 'a node with the labels of its nodeSelector',
    pod: { nodeSelector: { ssd: 'true' } },
    labels: { ssd: 'true' },
    verdict: ANYWHERE,
  },
  {
    name: 'a node without them',
    pod: { nodeSelector: { ssd: 'true' } },
    verdict: NOWHERE,
  },
  {
    name: 'a node that its required affinity matches',
    pod: { affinity: required('zone', 'a') },
    labels: { zone: 'a' },
    verdict: ANYWHERE,
  },
  {
    name: 'a node that its required affinity does not match',
    pod: { affinity: required('zone', 'a') },
    labels: { zone: 'b' },
    verdict: NOWHERE,
  },
  { name: 'a NoSchedule taint', taints: [taint('a', 'NoSchedule')], verdict: STAY },
  { name: 'a NoExecute taint', taints: [taint('a', 'NoExecute')], verdict: NOWHERE },
  {
    name: 'a PreferNoSchedule taint',
    taints: [taint('a', 'PreferNoSchedule')],
    verdict: ANYWHERE,
  },
  {
    name: 'a taint that the template tolerates',
    pod: { tolerations: [{ key: 'a', operator: 'Exists' }] },
    taints: [taint('a', 'NoExecute')],
    verdict: ANYWHERE,
  },
  {
    name: 'a cordoned, unreachable node under pressure',
    taints: [
      taint('node.kubernetes.io/unschedulable', 'NoSchedule'),
      taint('node.kubernetes.io/memory-pressure', 'NoSchedule'),
      taint('node.kubernetes.io/disk-pressure', 'NoSchedule'),
      taint('node.kubernetes.io/pid-pressure', 'NoSchedule'),
      taint('node.kubernetes.io/not-ready', 'NoExecute'),
      taint('node.kubernetes.io/unreachable', 'NoExecute'),
    ],
    verdict: ANYWHERE,
  },
  {
    name: 'a node that is not ready for new pods',
    taints: [taint('node.kubernetes.io/not-ready', 'NoSchedule')],
    verdict: STAY,
  },
  {
    name: 'a node without a pod network',
    taints: [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')],
    verdict: STAY,
  },
  {
    name: 'a node without a pod network, in that of the node',
    pod: { hostNetwork: true },
    taints: [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')],
    verdict: ANYWHERE,
  },
];

describe('verdict()', () => {
  for (const { name, pod = {}, labels = {}, taints = [], verdict } of cases) {
    it(`says ${JSON.stringify(verdict)} for ${name}`, () => {
      const target = node('n', { metadata: { labels }, spec: { taints } });
      assert.deepEqual(new Placement().verdict(setOf(pod), target), verdict);
    });
  }
  it('wants nothing of a node that does not exist', () => {
    assert.deepEqual(new Placement().verdict(setOf({}), undefined), NOWHERE);
  });
});

describe('daemonTolerations()', () => {
  it('takes the time limit from a toleration that the template has of the same taint', () => {
    const own = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' };
    const tolerations = [
      { ...own, tolerationSeconds: 5 },
      { key: 'a', operator: 'Exists' },
    ];
    const all = daemonTolerations({ containers: [], tolerations });
    assert.equal(all.length, 7);
    assert.deepEqual(all.slice(0, 2), [own, { key: 'a', operator: 'Exists' }]);
  });
});
