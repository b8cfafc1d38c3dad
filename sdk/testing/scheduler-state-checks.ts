import assert from 'node:assert/strict';
import type { NodeState, PodInfo } from '../scheduler-info.ts';
import { isRefusal, type Verdict } from '../scheduler-verdict.ts';
import type { OwnContext } from './scheduler-run.ts';
import type { SchedulerCheck, SchedulerSubject } from './scheduler-subject.ts';

/** What a plugin keeps of pods on nodes, over the cluster (`track`) and for a cycle (`addPod`). */
export const STATE_CHECKS: readonly SchedulerCheck[] = [
  {
    name: 'track() forgets what goes, and counts from nothing when it is called again',
    run: checkTrack,
  },
  { name: 'cloneState() gives a copy that changes alone', run: checkClone },
  { name: 'removePod() undoes addPod(), and addPod() removePod()', run: checkInverse },
  { name: 'addPod() says what would be if the pod ran there', run: checkAsIf },
];

function checkTrack(subject: SchedulerSubject): void {
  const { nodes, plugin } = subject;
  const before = subject.sayings();
  forEachOther(subject, (other, state) => {
    subject.place(other, state);
    subject.takeAway(other, state);
  });
  assert.deepEqual(subject.sayings(), before, 'track(): podRemoved() does not undo podAdded()');
  for (const state of nodes) {
    subject.tracker?.nodeChanged?.(state, state);
    subject.tracker?.nodeRemoved?.(state);
  }
  for (const state of nodes) subject.tracker?.nodeAdded?.(state);
  assert.deepEqual(subject.sayings(), before, 'track(): nodeRemoved() does not undo nodeAdded()');
  const [first] = nodes;
  const [one] = othersOf(subject);
  if (!plugin.track || !first || !one) return;
  subject.place(one, first);
  const crowded = subject.sayings();
  subject.beginTracking();
  assert.deepEqual(subject.sayings(), crowded, 'track() called again keeps what it had counted');
  subject.takeAway(one, first);
}

function checkClone(subject: SchedulerSubject): void {
  forEachState(subject, (trial, other, state) => {
    const before = trial.verdicts();
    for (const change of ['add', 'remove'] as const) {
      trial.fork()[change](other, state);
      assert.deepEqual(trial.verdicts(), before, 'a clone changes the state that it is of');
    }
  });
}

function checkInverse(subject: SchedulerSubject): void {
  forEachState(subject, (trial, other, state) => {
    const before = trial.verdicts();
    const fork = trial.fork();
    fork.add(other, state);
    fork.remove(other, state);
    assert.deepEqual(fork.verdicts(), before, `removePod() of "${other.name}" after addPod()`);
    fork.add(other, state);
    const crowded = fork.verdicts();
    fork.remove(other, state);
    fork.add(other, state);
    assert.deepEqual(fork.verdicts(), crowded, `addPod() of "${other.name}" after removePod()`);
  });
}

function checkAsIf(subject: SchedulerSubject): void {
  forEachState(subject, (trial, other, state) => {
    const fork = trial.fork();
    fork.add(other, state);
    const said = fork.verdicts();
    subject.place(other, state);
    const real = subject.run.filter(trial.pod, subject.nodes).map(codeOf);
    subject.takeAway(other, state);
    const hint = subject.plugin.addPod ? 'addPod() counts it otherwise' : 'want an addPod()';
    const about = `pod "${trial.pod.name}" when "${other.name}" runs on "${state.name}"`;
    assert.deepEqual(said, real, `${about}: ${hint}`);
  });
}

/** Of each pod with a state of its own, with each other pod on each node. */
function forEachState(
  subject: SchedulerSubject,
  check: (trial: StateTrial, other: PodInfo, state: NodeState) => void,
): void {
  if (!subject.plugin.preFilter || !subject.plugin.filter) return;
  for (const pod of subject.pods) {
    forEachOther(subject, (other, state) => {
      const trial = StateTrial.of(pod, subject);
      if (trial) check(trial, other, state);
    });
  }
}

function forEachOther(
  subject: SchedulerSubject,
  visit: (other: PodInfo, state: NodeState) => void,
): void {
  for (const other of othersOf(subject)) for (const state of subject.nodes) visit(other, state);
}

/** Like the subject's pods, but others. */
function othersOf({ pods }: SchedulerSubject): readonly PodInfo[] {
  return pods.map(one => {
    const name = `other-${one.name}`;
    return { ...one, name, key: `${one.namespace}/${name}`, uid: `other-${one.uid}` };
  });
}

/** What would be, as preemption asks it. */
class StateTrial {
  readonly #subject: SchedulerSubject;
  readonly #context: OwnContext;
  readonly #only: readonly string[] | undefined;
  readonly #pods = new Map<string, readonly PodInfo[]>();

  private constructor(subject: SchedulerSubject, context: OwnContext, only?: readonly string[]) {
    this.#subject = subject;
    this.#context = context;
    this.#only = only;
  }

  /** Undefined: its preFilter needs no filter, or lets no node be looked at. */
  static of(pod: PodInfo, subject: SchedulerSubject): StateTrial | undefined {
    const context = subject.run.contextOf(pod, subject.nodes);
    const said = subject.plugin.preFilter?.(context);
    if (said?.code === 'skip' || isRefusal(said)) return undefined;
    return new StateTrial(subject, context, said?.code === 'only' ? said.nodeNames : undefined);
  }

  get pod(): PodInfo {
    return this.#context.pod;
  }

  fork(): StateTrial {
    const { plugin } = this.#subject;
    const { state } = this.#context;
    const isOwn = plugin.cloneState !== undefined && state !== undefined;
    const own = { ...this.#context, state: isOwn ? plugin.cloneState?.(state) : state };
    return new StateTrial(this.#subject, own, this.#only);
  }

  add(other: PodInfo, state: NodeState): void {
    this.#pods.set(state.name, [...this.#podsOn(state), other]);
    this.#subject.plugin.addPod?.(this.#at(state), other);
  }

  remove(other: PodInfo, state: NodeState): void {
    const left = this.#podsOn(state).filter(({ uid }) => uid !== other.uid);
    this.#pods.set(state.name, left);
    this.#subject.plugin.removePod?.(this.#at(state), other);
  }

  verdicts(): readonly (string | undefined)[] {
    return this.#subject.nodes.map(state => {
      if (this.#only && !this.#only.includes(state.name)) return 'unresolvable';
      return codeOf(this.#subject.plugin.filter?.(this.#at(state)));
    });
  }

  #podsOn(state: NodeState): readonly PodInfo[] {
    return this.#pods.get(state.name) ?? state.pods;
  }

  #at(state: NodeState): OwnContext {
    this.#context.node = this.#subject.copyOf(state, this.#podsOn(state));
    return this.#context;
  }
}

function codeOf(said: Verdict | undefined): string | undefined {
  return isRefusal(said) ? said.code : undefined;
}
