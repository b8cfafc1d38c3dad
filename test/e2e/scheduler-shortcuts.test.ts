import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Node, Pod, PodSpec } from 'kernetes/sdk';
import { node } from 'kernetes/sdk/testing';
import { SchedulerAlone } from '../bench/scheduler-alone.ts';
import { benchPod } from '../bench/scheduler-shapes.ts';

/**
 * The scheduler keeps results by shape, asks about many nodes at once and keeps sums. None of it may
 * change where a pod goes: random clusters, pods and changes, with all default plugins, once plainly
 * and once with all that, from the same seed.
 */
const HOSTNAME = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

const nodeArbitrary = fc.record({
  zone: fc.integer({ min: 0, max: 2 }),
  cpu: fc.constantFrom('1', '2', '4'),
  disk: fc.constantFrom('ssd', 'hdd'),
  taint: fc.constantFrom('', '', '', 'NoSchedule', 'PreferNoSchedule'),
  unschedulable: fc.constantFrom(false, false, false, false, true),
  hasImage: fc.boolean(),
});

const KINDS = [
  'plain',
  'spread-zone',
  'spread-host',
  'spread-soft',
  'apart',
  'prefer-apart',
  'near',
  'selector',
  'prefer-ssd',
  'tolerant',
  'port',
  'huge',
] as const;

const podArbitrary = fc.record({
  kind: fc.constantFrom(...KINDS),
  app: fc.integer({ min: 0, max: 2 }),
  cpu: fc.constantFrom('0', '100m', '500m'),
  priority: fc.constantFrom(0, 0, 0, 10),
});

const changeArbitrary = fc.record({
  what: fc.constantFrom('nothing', 'nothing', 'delete', 'node-change', 'node-add', 'node-remove'),
  which: fc.nat({ max: 200 }),
  ms: fc.constantFrom(0, 0, 1, 1_500),
});

const worldArbitrary = fc.record({
  nodes: fc.oneof(
    fc.array(nodeArbitrary, { minLength: 1, maxLength: 8 }),
    fc.array(nodeArbitrary, { minLength: 100, maxLength: 140 }),
  ),
  steps: fc.array(fc.tuple(podArbitrary, changeArbitrary), { minLength: 20, maxLength: 80 }),
  seed: fc.nat(),
  bindFailures: fc.integer({ min: 2, max: 9 }),
});
type World = typeof worldArbitrary extends fc.Arbitrary<infer T> ? T : never;

test(
  'placements are the same with everything done for speed and without',
  { timeout: 300_000 },
  () =>
    fc.assert(
      fc.asyncProperty(worldArbitrary, async world => {
        assert.deepEqual(await run(world, false), await run(world, true));
      }),
      { numRuns: Number(process.env.RUNS ?? 12) },
    ),
);

/** What was bound, refused and bound again, in order. */
async function run(world: World, plain: boolean): Promise<string[]> {
  const log: string[] = [];
  let bindings = 0;
  const bind = (pod: string, nodeName: string) => {
    const agrees = ++bindings % world.bindFailures !== 0;
    log.push(`${pod} ${agrees ? 'on' : 'not on'} ${nodeName}`);
    return agrees;
  };
  const alone = await SchedulerAlone.make({ bind, seed: world.seed, plain });
  const { scheduler } = alone;
  world.nodes.forEach((one, i) => {
    scheduler.setNode(nodeOf(`n${i}`, one));
  });
  scheduler.start();
  for (const [i, [pod, change]] of world.steps.entries()) {
    scheduler.setPod(podOf(`p${i}`, pod));
    apply(scheduler, world, i, change);
    await alone.step(change.ms);
  }
  for (let i = 0; i < 5; i++) await alone.step(2_000);
  await alone.end();
  return log;
}

function apply(
  scheduler: SchedulerAlone['scheduler'],
  { nodes, steps }: World,
  i: number,
  { what, which }: World['steps'][number][1],
): void {
  const name = `n${which % nodes.length}`;
  const other = nodes[(which + i) % nodes.length] as World['nodes'][number];
  if (what === 'delete') {
    const gone = which % (i + 1);
    scheduler.removePod(podOf(`p${gone}`, steps[gone]?.[0] as World['steps'][number][0]));
  } else if (what === 'node-remove') {
    scheduler.removeNode(name);
  } else if (what !== 'nothing') {
    scheduler.setNode(nodeOf(what === 'node-add' ? `more-${i}` : name, other));
  }
}

function nodeOf(name: string, one: World['nodes'][number]): Node {
  const { zone, cpu, disk, taint, unschedulable, hasImage } = one;
  const labels = { [HOSTNAME]: name, [ZONE]: `z${zone}`, disk };
  const taints = taint === '' ? [] : [{ key: 'only', value: 'some', effect: taint }];
  const made = node(name, { metadata: { labels }, spec: { taints, unschedulable } });
  const allocatable = { cpu, memory: '4Gi', pods: '6', 'ephemeral-storage': '100Gi' };
  const images = hasImage ? [{ names: ['nginx'], sizeBytes: 500_000_000 }] : [];
  return { ...made, status: { ...made.status, allocatable, images } };
}

function podOf(name: string, { kind, app, cpu, priority }: World['steps'][number][0]): Pod {
  const asked = cpu === '0' ? {} : { requests: { cpu, memory: '100Mi' } };
  const resources = kind === 'huge' ? HUGE : asked;
  const ports = kind === 'port' ? [{ containerPort: 80, hostPort: 8080 }] : [];
  const containers = [{ name: 'main', image: 'nginx', resources, ports }];
  return benchPod(name, `app-${app}`, { containers, priority, ...specOf(kind, `app-${app}`) });
}

const HUGE = { requests: { cpu: '3', memory: '3Gi' } };

function specOf(kind: (typeof KINDS)[number], app: string): Partial<PodSpec> {
  const labelSelector = { matchLabels: { app } };
  const spread = (topologyKey: string, whenUnsatisfiable: string): Partial<PodSpec> => ({
    topologySpreadConstraints: [{ topologyKey, maxSkew: 1, whenUnsatisfiable, labelSelector }],
  });
  const required = (topologyKey: string) => ({
    requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector }],
  });
  const podAffinityTerm = { topologyKey: ZONE, labelSelector };
  const preference = { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] };
  switch (kind) {
    case 'spread-zone':
      return spread(ZONE, 'DoNotSchedule');
    case 'spread-host':
      return spread(HOSTNAME, 'DoNotSchedule');
    case 'spread-soft':
      return spread(ZONE, 'ScheduleAnyway');
    case 'apart':
      return { affinity: { podAntiAffinity: required(HOSTNAME) } };
    case 'near':
      return { affinity: { podAffinity: required(ZONE) } };
    case 'prefer-apart': {
      const terms = [{ weight: 50, podAffinityTerm }];
      const podAntiAffinity = { preferredDuringSchedulingIgnoredDuringExecution: terms };
      return { affinity: { podAntiAffinity } };
    }
    case 'selector':
      return { nodeSelector: { disk: 'ssd' } };
    case 'prefer-ssd': {
      const terms = [{ weight: 10, preference }];
      return {
        affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: terms } },
      };
    }
    case 'tolerant':
      return { tolerations: [{ operator: 'Exists' }] };
    default:
      return {};
  }
}
