import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { PluginSetting } from '../profile/profile.ts';
import { ConfigurationError, readConfiguration } from './configuration.ts';
import { withoutPresets } from './presets.ts';

/** Pairs of a file for kube-scheduler and what it comes to; `UPDATE_GOLDEN=1` rewrites the latter. */
const FOLDER = new URL('../testdata/configuration/', import.meta.url);

for (const name of readdirSync(FOLDER).filter(one => one.endsWith('.yaml'))) {
  test(`translates ${name}`, () => {
    const golden = new URL(name.replace('.yaml', '.json'), FOLDER);
    const got = readConfiguration(parse(readFileSync(new URL(name, FOLDER), 'utf8')));
    const text = `${JSON.stringify(got, null, 2)}\n`;
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, text);
    assert.deepEqual(got, JSON.parse(readFileSync(golden, 'utf8')));
  });
}

const V1 = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';
const POLICY = 'apiVersion: v1\nkind: Policy\n';
const fit = (args: string) =>
  `${V1}profiles: [{ pluginConfig: [{ name: NodeResourcesFit, args: ${args} }] }]`;

const REFUSALS: [name: string, content: string, message: string][] = [
  ['what is no object', '[]', 'Invalid value: []: must be an object'],
  [
    'another kind',
    'apiVersion: v1\nkind: Pod',
    'kind: Unsupported value: "Pod": supported values: "KubeSchedulerConfiguration", "Policy"',
  ],
  [
    'a version that there is not',
    'apiVersion: kubescheduler.config.k8s.io/v9\nkind: KubeSchedulerConfiguration',
    'apiVersion: Unsupported value: "kubescheduler.config.k8s.io/v9": supported values: ' +
      '"kubescheduler.config.k8s.io/v1alpha1", "kubescheduler.config.k8s.io/v1beta1", ' +
      '"kubescheduler.config.k8s.io/v1beta2", "kubescheduler.config.k8s.io/v1beta3", ' +
      '"kubescheduler.config.k8s.io/v1"',
  ],
  ['an unknown field', `${V1}profile: []`, 'profile: unknown field'],
  [
    'several mistakes at once',
    `${V1}parallelism: 0\npercentageOfNodesToScore: 101`,
    '[parallelism: Invalid value: 0: should be an integer value greater than zero, ' +
      'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]]',
  ],
  [
    'a wrong type',
    `${V1}parallelism: many`,
    'parallelism: Invalid value: "many": must be an integer',
  ],
  [
    'a back-off of nothing',
    `${V1}podInitialBackoffSeconds: 0`,
    'podInitialBackoffSeconds: Invalid value: 0: must be greater than 0',
  ],
  [
    'a back-off that shrinks',
    `${V1}podInitialBackoffSeconds: 30`,
    'podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds',
  ],
  [
    'a profile without a name beside another',
    `${V1}profiles: [{ schedulerName: a }, {}]`,
    'profiles[1].schedulerName: Required value',
  ],
  [
    'profiles of one name',
    `${V1}profiles: [{ schedulerName: a }, { schedulerName: a }]`,
    'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
  ],
  [
    'two queue orders in one profile',
    `${V1}profiles: [{ plugins: { queueSort: { enabled: [{ name: Mine }] } } }]`,
    'profiles[0].plugins.queueSort.Enabled: Invalid value: 2: only one queue sort plugin can be enabled',
  ],
  [
    'args twice',
    `${V1}profiles: [{ pluginConfig: [{ name: A }, { name: A }] }]`,
    'profiles[0].pluginConfig[1]: Duplicate value: "A"',
  ],
  [
    'args of another plugin',
    fit('{ kind: NodeAffinityArgs }'),
    'profiles[0].pluginConfig[0].args.kind: Invalid value: "NodeAffinityArgs": has to match plugin args',
  ],
  [
    'a strategy that there is not',
    fit('{ scoringStrategy: { type: Best } }'),
    'profiles[0].pluginConfig[0].args.scoringStrategy.type: Unsupported value: "Best": ' +
      'supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
  ],
  [
    'a ratio without its shape',
    fit('{ scoringStrategy: { type: RequestedToCapacityRatio } }'),
    'profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio: ' +
      'Required value: must be specified when type is RequestedToCapacityRatio',
  ],
  [
    'a shape that falls back',
    fit(
      '{ scoringStrategy: { type: RequestedToCapacityRatio, requestedToCapacityRatio: ' +
        '{ shape: [{ utilization: 5, score: 1 }, { utilization: 5, score: 2 }] } } }',
    ),
    'profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio.shape[1].utilization: ' +
      'Invalid value: 5: values must be sorted in increasing order',
  ],
  [
    'a weight of a resource out of range',
    fit('{ scoringStrategy: { type: MostAllocated, resources: [{ name: cpu, weight: 101 }] } }'),
    'profiles[0].pluginConfig[0].args.scoringStrategy.resources[0].weight: ' +
      'Invalid value: 101: resource weight of cpu not in valid range (0, 100]',
  ],
  [
    'a resource group with a slash',
    fit('{ ignoredResourceGroups: [example.com/gpu] }'),
    'profiles[0].pluginConfig[0].args.ignoredResourceGroups[0]: Invalid value: "example.com/gpu": ' +
      "resource group name can't contain '/'",
  ],
  [
    'an extender without weight',
    `${V1}extenders: [{ urlPrefix: 'http://x', prioritizeVerb: p }]`,
    'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it',
  ],
  [
    'two extenders that bind',
    `${V1}extenders: [{ urlPrefix: 'http://x', bindVerb: b }, { urlPrefix: 'http://y', bindVerb: b }]`,
    'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
  ],
  [
    'a managed resource that is none',
    `${V1}extenders: [{ urlPrefix: 'http://x', managedResources: [{ name: cpu }] }]`,
    'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name',
  ],
  [
    'a provider that there is not',
    'apiVersion: kubescheduler.config.k8s.io/v1alpha1\nkind: KubeSchedulerConfiguration\n' +
      'algorithmSource: { provider: Best }',
    'algorithmSource.provider: Invalid value: "Best": algorithm provider is not known: ' +
      'there are DefaultProvider and ClusterAutoscalerProvider',
  ],
  [
    'an unknown predicate',
    `${POLICY}predicates: [{ name: PodFits }]`,
    'predicates[0].name: Invalid value: "PodFits": predicate type not found for "PodFits"',
  ],
  [
    'an unknown priority',
    `${POLICY}priorities: [{ name: Best, weight: 1 }]`,
    'priorities[0].name: Invalid value: "Best": priority type not found for "Best"',
  ],
  [
    'a priority without weight',
    `${POLICY}priorities: [{ name: EqualPriority }]`,
    'priorities[0].weight: Invalid value: 0: ' +
      'priority EqualPriority should have a positive weight applied to it or it has overflown',
  ],
  [
    'an affinity weight out of range',
    `${POLICY}hardPodAffinitySymmetricWeight: 101`,
    'hardPodAffinitySymmetricWeight: Invalid value: 101: not in valid range [0-100]',
  ],
  [
    'label preferences of different weights',
    `${POLICY}priorities: [{ name: A, weight: 1, argument: { labelPreference: { label: a } } }, { name: B, weight: 2, argument: { labelPreference: { label: b } } }]`,
    'priorities[1].argument.labelPreference.label: Invalid value: "b": ' +
      'all LabelPreference priorities must have the same weight',
  ],
  [
    'service anti-affinities of different weights',
    `${POLICY}priorities: [{ name: A, weight: 1, argument: { serviceAntiAffinity: { label: a } } }, { name: B, weight: 2, argument: { serviceAntiAffinity: { label: b } } }]`,
    'priorities[1].argument.serviceAntiAffinity.label: Invalid value: "b": ' +
      'all ServiceAntiAffinity priorities must have the same weight',
  ],
  [
    'an argument of two kinds',
    `${POLICY}predicates: [{ name: A, argument: { labelsPresence: { labels: [a] }, serviceAffinity: { labels: [b] } } }]`,
    'predicates[0].argument.labelsPresence: Invalid value: 2: ' +
      'exactly 1 predicate argument is required',
  ],
  [
    'priorities that cannot go together',
    `${POLICY}priorities: [{ name: LeastRequestedPriority, weight: 1 }, { name: MostRequestedPriority, weight: 1 }]`,
    '"LeastRequestedPriority" and "MostRequestedPriority" want a different "scoringStrategy" of ' +
      'NodeResourcesFit: use one of them',
  ],
];

for (const [name, content, message] of REFUSALS) {
  test(`refuses ${name}`, () => {
    const error = new ConfigurationError(message);
    assert.throws(() => readConfiguration(parse(content)), { name: error.name, message });
  });
}

const LISTS: [name: string, given: PluginSetting[], expected: PluginSetting[]][] = [
  ['leaves plugins alone', [{ name: 'NodePorts', weight: 2 }], [{ name: 'NodePorts', weight: 2 }]],
  [
    'joins a predicate and a priority of one plugin',
    [{ name: 'PodFitsResources' }, { name: 'LeastRequestedPriority', weight: 2 }],
    [
      {
        name: 'NodeResourcesFit',
        points: ['preFilter', 'filter', 'preScore', 'score'],
        weight: 2,
        args: { scoringStrategy: { type: 'LeastAllocated' } },
      },
    ],
  ],
  [
    'joins a priority and the plugin itself',
    [{ name: 'NodeResourcesFit', weight: 3 }, { name: 'MostRequestedPriority' }],
    [
      {
        name: 'NodeResourcesFit',
        weight: 3,
        args: { scoringStrategy: { type: 'MostAllocated' } },
      },
    ],
  ],
  [
    'keeps what is disabled',
    [{ name: 'EvenPodsSpread' }, { name: '*', disabled: true }],
    [
      { name: 'PodTopologySpread', points: ['preFilter', 'filter'] },
      { name: '*', disabled: true },
    ],
  ],
];

for (const [name, given, expected] of LISTS) {
  test(`a list of plugins ${name}`, () => assert.deepEqual(withoutPresets(given), expected));
}
