import assert from 'node:assert/strict';
import { Ajv } from 'ajv';
import type { Node, Pod } from '../api/types-core-v1.ts';
import type { PluginContext, PluginDefinition } from '../plugin.ts';
import type { ClusterTracker, SchedulerPlugin } from '../scheduler.ts';
import type { SchedulerContribution } from '../scheduler-contribution.ts';
import { NodeState, type PodInfo, podInfoOf } from '../scheduler-info.ts';
import { isRefusal, type Verdict } from '../scheduler-verdict.ts';
import { node, pod } from './builders.ts';
import { SchedulerRun } from './scheduler-run.ts';
import { testContext } from './test-context.ts';

export interface SchedulerConformanceOptions<C> {
  /** Defaults of the schema are filled in. */
  readonly config?: C;
  /** Beside the suite's own: pods and nodes that the plugin cares about. */
  readonly pods?: readonly Pod[];
  readonly nodes?: readonly Node[];
}

/** One thing that every scheduler plugin keeps to; `run` throws with what is wrong. */
export interface SchedulerCheck {
  readonly name: string;
  run(subject: SchedulerSubject): void | Promise<void>;
}

/** A plugin with the pods and nodes that it is tried on. */
export class SchedulerSubject {
  readonly contribution: SchedulerContribution;
  readonly plugin: SchedulerPlugin;
  readonly nodes: readonly NodeState[];
  readonly pods: readonly PodInfo[];
  readonly run: SchedulerRun;
  tracker: ClusterTracker | undefined;
  #generation: number;

  constructor(contribution: SchedulerContribution, options: SchedulerConformanceOptions<unknown>) {
    this.contribution = contribution;
    this.plugin = contribution.local as SchedulerPlugin;
    this.nodes = nodeStates([...NODES, ...(options.nodes ?? [])]);
    this.#generation = this.nodes.length;
    this.pods = [...PODS, ...(options.pods ?? [])].map(ownPodInfoOf);
    this.run = new SchedulerRun(this.plugin, contribution.options);
    this.beginTracking();
  }

  /** As when the plugin is enabled, or enabled again. */
  beginTracking(): void {
    this.tracker = this.plugin.track?.();
    for (const state of this.nodes) {
      this.tracker?.nodeAdded?.(state);
      for (const one of state.pods) this.tracker?.podAdded?.(one, state);
    }
  }

  /** The pod runs on the node from now on. */
  place(one: PodInfo, state: NodeState): void {
    state.addPod(one);
    state.generation = ++this.#generation;
    this.tracker?.podAdded?.(one, state);
  }

  takeAway(one: PodInfo, state: NodeState): void {
    state.removePod(one.key);
    state.generation = ++this.#generation;
    this.tracker?.podRemoved?.(one, state);
  }

  /** Everything that the plugin says now about its pods and nodes. */
  sayings(): readonly { readonly pod: string; readonly says: unknown }[] {
    return this.pods.map(one => ({ pod: one.name, says: this.run.both(one, this.nodes) }));
  }

  /** The node as it would be with these pods. */
  copyOf(state: NodeState, pods: readonly PodInfo[]): NodeState {
    const copy = Object.assign(new NodeState(state.name, state.index), {
      ...{ labels: state.labels, annotations: state.annotations, taints: state.taints },
      ...{ unschedulable: state.unschedulable, allocatable: state.allocatable },
      ...{ images: state.images, conditions: state.conditions },
      generation: ++this.#generation,
    });
    for (const one of pods) copy.addPod(one);
    return copy;
  }
}

/** As the API gives each pod a uid. */
function ownPodInfoOf(pod: Pod): PodInfo {
  const info = podInfoOf(pod);
  return info.uid === '' ? { ...info, uid: `uid-${info.key}` } : info;
}

/** What a plugin's entry module provides, with its config completed by its schema. */
export function schedulerContributionOf<C>(
  definition: PluginDefinition<C>,
  config?: C,
): SchedulerContribution {
  const completed = structuredClone(config ?? {}) as C;
  const validate = new Ajv({ useDefaults: true, strict: false }).compile(definition.config ?? {});
  assert.ok(validate(completed), `config: ${JSON.stringify(validate.errors)}`);
  const provided: unknown[] = [];
  const provide = (_point: unknown, value: unknown): void => void provided.push(value);
  const { context } = testContext<C>({ name: definition.name, config: completed });
  void definition.activate({ ...context, provide } as PluginContext<C>);
  assert.equal(provided.length, 1, 'want one contribution');
  return provided[0] as SchedulerContribution;
}

/** Nodes as the scheduler sees them, without pods. */
export function nodeStates(nodes: readonly Node[]): NodeState[] {
  return nodes.map((one, index) => {
    const state = new NodeState(one.metadata.name ?? '', index);
    state.setNode(one);
    state.generation = index + 1;
    return state;
  });
}

/** Whether the point may say so; tells what is wrong with it otherwise. */
export function assertVerdict(
  point: string,
  said: Verdict | undefined | null,
  codes: readonly Verdict['code'][] = REFUSALS,
): void {
  if (said === undefined || said === null) return;
  assert.ok(!(said instanceof Promise), `${point} gave a promise, want an answer at once`);
  const { code } = said as { code?: unknown };
  const isKnown = code === 'success' || (codes as readonly unknown[]).includes(code);
  assert.ok(isKnown, `${point} gave ${text(said)}, want nothing or ${codes.join(', ')}`);
  if (!isRefusal(said)) return;
  const { reasons } = said as { reasons?: unknown };
  const isList = Array.isArray(reasons) && reasons.length > 0;
  assert.ok(isList, `${point} gave a refusal without a reason`);
  for (const reason of reasons as unknown[]) {
    const isText = typeof reason === 'string' && reason.trim() !== '';
    assert.ok(isText, `${point} gave an empty reason: ${text(said)}`);
  }
}

export const REFUSALS: readonly Verdict['code'][] = ['unschedulable', 'unresolvable'];

export function text(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const SMALL = {
  name: 'main',
  image: 'nginx',
  resources: { requests: { cpu: '1', memory: '1Gi' } },
};

/** Everyday pods, and some that want what no node has. */
const PODS: readonly Pod[] = [
  pod('plain'),
  pod('small', { spec: { containers: [SMALL] }, metadata: { labels: { app: 'web' } } }),
  pod('huge', {
    spec: { containers: [{ ...SMALL, resources: { requests: { cpu: '999', memory: '9Ti' } } }] },
  }),
  pod('urgent', { spec: { containers: [SMALL], priority: 1000 } }),
  pod('selecting', { spec: { containers: [SMALL], nodeSelector: { zone: 'a' } } }),
  pod('tolerant', { spec: { containers: [SMALL], tolerations: [{ operator: 'Exists' }] } }),
];

const NODES: readonly Node[] = [
  node('plain'),
  node('labelled', { metadata: { labels: { zone: 'a' } } }),
  node('cordoned', { spec: { unschedulable: true } }),
  node('tainted', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } }),
  node('disliked', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } }),
];
