import assert from 'node:assert/strict';
import { deserialize, serialize } from 'node:v8';
import { Ajv } from 'ajv';
import type { JsonSchema } from '../plugin.ts';
import {
  type ClusterEvent,
  type QueueingHint,
  SCHEDULER_POINTS,
  type SchedulerPlugin,
} from '../scheduler.ts';
import { isRefusal } from '../scheduler-verdict.ts';
import { type SchedulerCheck, type SchedulerSubject, text } from './scheduler-subject.ts';

/** What a plugin says about itself. */
export const DECLARATION_CHECKS: readonly SchedulerCheck[] = [
  { name: 'contributes what can be sent to another thread', run: checkSendable },
  { name: 'has a name, and only methods that somebody calls', run: checkMethods },
  { name: 'its config has sound defaults, and refuses what is wrong', run: checkConfig },
  { name: 'requeueOn names events, and its hints answer', run: checkRequeueOn },
  { name: 'watch() gives what ends it', run: checkWatch },
];

function checkSendable({ contribution }: SchedulerSubject): void {
  assert.ok(contribution.points.length > 0, 'it implements no point');
  const data = deserialize(serialize({ ...contribution }));
  assert.deepEqual(data.points, contribution.points);
}

/** A method, and one without which nobody calls it. */
const NEEDS: readonly (readonly [keyof SchedulerPlugin, keyof SchedulerPlugin])[] = [
  ['filterNodes', 'filter'],
  ['filterNodes', 'refusals'],
  ['preScore', 'score'],
  ['scoreNodes', 'score'],
  ['normalize', 'score'],
  ['unreserve', 'reserve'],
  ['addPod', 'preFilter'],
  ['addPod', 'removePod'],
  ['addPod', 'cloneState'],
  ['removePod', 'addPod'],
  ['cloneState', 'addPod'],
];

const METHODS = [
  ...[...SCHEDULER_POINTS, 'watch', 'track', 'addPod', 'removePod', 'cloneState'],
  ...['filterNodes', 'scoreNodes', 'normalize', 'unreserve'],
] as readonly (keyof SchedulerPlugin)[];

function checkMethods({ plugin }: SchedulerSubject): void {
  const { name, onFailure = 'fail', deadlineMs = 1, refusals = [] } = plugin;
  const isName = typeof name === 'string' && name !== '' && name.trim() === name;
  assert.ok(isName, `name is ${JSON.stringify(name)}, want a text without space around it`);
  for (const method of METHODS) {
    const type = typeof plugin[method];
    assert.ok(type === 'undefined' || type === 'function', `${method} is a ${type}`);
  }
  for (const [method, needed] of NEEDS) {
    const isWhole = plugin[method] === undefined || plugin[needed] !== undefined;
    assert.ok(isWhole, `${method} is there without ${needed}`);
  }
  const isPolicy = ['fail', 'ignore'].includes(onFailure);
  assert.ok(isPolicy, `onFailure is "${onFailure}", want fail or ignore`);
  assert.ok(deadlineMs > 0, `deadlineMs is ${deadlineMs}, want more than 0`);
  assert.ok(refusals.length <= 254, `refusals has ${refusals.length}, want 254 at most`);
  for (const each of refusals) {
    assert.ok(isRefusal(each), `refusals has ${text(each)}, want refusals only`);
  }
}

function checkConfig({ contribution, plugin }: SchedulerSubject): void {
  const schema = (plugin.config ?? {}) as Schema;
  const { properties = {} } = schema;
  const accepts = new Ajv({ strict: false }).compile(schema);
  const sound = contribution.options as Record<string, unknown>;
  assert.ok(accepts(sound), `config refuses its own defaults: ${text(accepts.errors)}`);
  for (const option of Object.keys(properties)) {
    const takes = (value: unknown) => accepts({ ...sound, [option]: value });
    const isAny = [7.5, 'text', true, null, {}, []].every(takes);
    assert.ok(!isAny, `config takes anything as "${option}", want a type`);
  }
  // A misspelt option would change nothing, and nobody would be told.
  const isTaken = plugin.config !== undefined && accepts({ ...sound, noSuchOption: 1 });
  assert.ok(!isTaken, 'config takes an option that there is not, want additionalProperties: false');
}

type Schema = JsonSchema & { readonly properties?: Readonly<Record<string, unknown>> };

const EVENTS: Readonly<Record<ClusterEvent, 'node' | 'pod'>> = {
  NodeAdd: 'node',
  NodeAllocatable: 'node',
  NodeLabel: 'node',
  NodeTaint: 'node',
  NodeCondition: 'node',
  NodeAnnotation: 'node',
  PodDelete: 'pod',
  PodAdd: 'pod',
  PodUpdate: 'pod',
};

function checkRequeueOn(subject: SchedulerSubject): void {
  const seen = new Set<string>();
  for (const each of subject.plugin.requeueOn ?? []) {
    const event = typeof each === 'string' ? each : each?.on;
    const names = Object.keys(EVENTS).join(', ');
    assert.ok(event in EVENTS, `requeueOn names ${text(event)}, want one of ${names}`);
    assert.ok(!seen.has(event), `requeueOn names "${event}" twice: only the last counts`);
    seen.add(event);
    if (typeof each !== 'string') checkHint(each, subject);
  }
}

/** Asked of all pods, with and without the node: it may have gone by then. */
function checkHint({ on, fits }: QueueingHint, subject: SchedulerSubject): void {
  const { contribution, pods, nodes } = subject;
  for (const pod of pods) {
    for (const node of [...nodes, undefined]) {
      const other = EVENTS[on] === 'pod' ? pods[0] : undefined;
      const says = fits({ event: on, pod, config: contribution.options, node, other });
      const about = `the hint on ${on} for pod "${pod.name}"`;
      assert.equal(typeof says, 'boolean', `${about} gave ${text(says)}, want true or false`);
    }
  }
}

function checkWatch({ plugin }: SchedulerSubject): void {
  const end = plugin.watch?.(() => {});
  if (!plugin.watch) return;
  assert.equal(typeof end, 'function', `watch gave ${text(end)}, want a function that ends it`);
  void end?.();
}
