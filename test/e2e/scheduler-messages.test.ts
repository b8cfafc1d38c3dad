import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Contribution,
  createSchedulerContribution,
  type PodSpec,
  type SchedulerContribution,
} from 'kernetes/sdk';
import { fakeClock, node, pod, schedulerContributionOf, seededRandom } from 'kernetes/sdk/testing';
import { Scheduler } from '../../plugins/scheduler/framework/scheduler.ts';
import interPodAffinity from '../../plugins/scheduler/inter-pod-affinity/plugin.ts';
import nodeAffinity from '../../plugins/scheduler/node-affinity/plugin.ts';
import nodeName from '../../plugins/scheduler/node-name/plugin.ts';
import nodePorts from '../../plugins/scheduler/node-ports/plugin.ts';
import nodeResourcesFit from '../../plugins/scheduler/node-resources-fit/plugin.ts';
import nodeUnschedulable from '../../plugins/scheduler/node-unschedulable/plugin.ts';
import prioritySort from '../../plugins/scheduler/priority-sort/plugin.ts';
import taintToleration from '../../plugins/scheduler/taint-toleration/plugin.ts';
import topologySpread from '../../plugins/scheduler/topology-spread/plugin.ts';
import volumeBinding from '../../plugins/scheduler/volume-binding/plugin.ts';
import volumeRestrictions from '../../plugins/scheduler/volume-restrictions/plugin.ts';

/** What a real scheduler (v1.20) said about pods on five nodes, against what ours says. */
interface Recording {
  readonly nodes: readonly {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly taints: { key: string; value?: string; effect: string }[] | null;
    readonly unschedulable: boolean | null;
    readonly allocatable: Record<string, string>;
  }[];
  readonly pods: Readonly<Record<string, RecordedPod>>;
}

interface RecordedPod {
  readonly spec: PodSpec;
  readonly labels: Record<string, string>;
  readonly nodeName: string | null;
  readonly conditions: readonly { readonly message: string | null }[];
}

const FILE = '../testdata/reference/v1.20/scheduler-messages.json';
const recording: Recording = JSON.parse(readFileSync(new URL(FILE, import.meta.url), 'utf8'));

/** Wording that upstream changed after v1.20; ours is the newest. */
const NEWER: readonly (readonly [old: RegExp, now: string, why: string])[] = [
  [
    /node\(s\) had taint \{[^}]*\}, that the pod didn't tolerate/g,
    'node(s) had untolerated taint(s)',
    'v1.35 keeps keys and values of taints out of pod statuses; nodes are then counted together',
  ],
  [
    /node\(s\) didn't match Pod's node affinity/g,
    "node(s) didn't match Pod's node affinity/selector",
    'v1.22 names the selector too',
  ],
  [
    /\d+ (persistentvolumeclaim "[^"]*" not found)/g,
    '$1',
    'v1.21 looks at claims before nodes, which are not counted then',
  ],
  [
    /, \d+ node\(s\) didn't match pod affinity\/anti-affinity(?= |,|$)/g,
    '',
    'v1.21 says once what is the matter with a node',
  ],
];

for (const [name, recorded] of Object.entries(recording.pods)) {
  test(`pod "${name}" gets the node or the message of the recording`, async () => {
    const { said, placed } = await schedule(name, recorded);
    assert.equal(placed.get(name) ?? null, recorded.nodeName);
    const message = recorded.conditions[0]?.message;
    if (message) assert.equal(said.get(name), newest(message));
  });
}

async function schedule(name: string, { spec, labels }: RecordedPod) {
  const clock = fakeClock();
  const placed = new Map<string, string>();
  const said = new Map<string, string>();
  const quiet = () => {};
  const scheduler = new Scheduler({
    clock,
    random: seededRandom(1),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    events: { event: quiet },
    status: {
      forget: quiet,
      observe: quiet,
      nominate: quiet,
      tell: (one, { message }) => said.set(one.name, message),
    },
    profiles: [{ schedulerName: 'default-scheduler', plugins: [] }],
  });
  const binder = createSchedulerContribution(
    {
      name: 'Binder',
      async bind(bindings) {
        for (const binding of bindings) placed.set(binding.pod.name, binding.nodeName);
        return bindings.map(() => undefined);
      },
    },
    {},
  );
  scheduler.setPlugins([...PLUGINS, contributionOf(binder)]);
  for (const one of recording.nodes) scheduler.setNode(nodeOf(one));
  // `hostport-2` came after `hostport-1`, and so on.
  const first = recording.pods[name.replace(/-2$/, '-1')];
  if (first?.nodeName && name.endsWith('-2')) {
    const there = { ...withRequests(first.spec), nodeName: first.nodeName };
    scheduler.setPod(
      pod('first', { metadata: { labels: first.labels, uid: 'first' }, spec: there }),
    );
  }
  scheduler.start();
  scheduler.setPod(pod(name, { metadata: { labels, uid: name }, spec: withRequests(spec) }));
  await clock.step(10);
  scheduler.stop();
  return { said, placed };
}

const PLUGINS = [
  contributionOf(schedulerContributionOf(prioritySort)),
  contributionOf(schedulerContributionOf(nodeUnschedulable)),
  contributionOf(schedulerContributionOf(nodeName)),
  contributionOf(schedulerContributionOf(taintToleration)),
  contributionOf(schedulerContributionOf(nodeAffinity)),
  contributionOf(schedulerContributionOf(nodeResourcesFit)),
  contributionOf(schedulerContributionOf(nodePorts)),
  contributionOf(schedulerContributionOf(volumeRestrictions)),
  contributionOf(schedulerContributionOf(volumeBinding)),
  contributionOf(schedulerContributionOf(topologySpread)),
  contributionOf(schedulerContributionOf(interPodAffinity)),
];

function contributionOf(value: SchedulerContribution): Contribution<SchedulerContribution> {
  return { name: value.name, plugin: value.name, value, remote: false };
}

function nodeOf({ name, labels, taints, unschedulable, allocatable }: Recording['nodes'][number]) {
  const spec = { ...(taints && { taints }), ...(unschedulable && { unschedulable }) };
  return { ...node(name, { metadata: { labels }, spec }), status: { allocatable } };
}

/** The recorded spec is as it was sent: the API server makes limits the default of requests. */
function withRequests(spec: PodSpec): PodSpec {
  const containers = spec.containers.map(one => {
    const { limits, requests } = one.resources ?? {};
    return { ...one, resources: { ...one.resources, requests: { ...limits, ...requests } } };
  });
  return { ...spec, containers };
}

/** The recorded message in the newest words: equal reasons are one, with their counts added. */
function newest(message: string): string {
  const [head = '', tail = ''] = message
    .split(': ', 1)
    .concat(message.slice(message.indexOf(': ') + 2));
  let text = tail.replace(/\.$/, '');
  for (const [old, now] of NEWER) text = text.replace(old, now);
  if (!/^\d/.test(text)) return `${head}: ${text}.`;
  const counts = new Map<string, number>();
  for (const [, count, reason = ''] of text.matchAll(/(\d+) (.*?)(?=, \d+ |$)/g)) {
    counts.set(reason, (counts.get(reason) ?? 0) + Number(count));
  }
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `${head}: ${reasons.join(', ')}.`;
}
