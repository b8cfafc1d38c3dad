import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { isPodActive, isPodFinished, keyOf, Pod, serviceUnavailable } from 'kernetes/sdk';
import { job, Scene } from './job-testing.ts';

type Action = 'succeed' | 'fail' | 'delete' | 'parallelism' | 'suspend' | 'crash' | 'lag' | 'wait';

interface Step {
  readonly action: Action;
  /** Which pod, or how many. */
  readonly pick: number;
  /** So many of the next writes fail; each second of them has been done. */
  readonly failures: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom<Action[]>(
    ...(['succeed', 'fail', 'delete', 'parallelism', 'suspend', 'crash', 'lag', 'wait'] as const),
  ),
  pick: fc.nat(5),
  failures: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(4)),
});
const wanted = fc.record({
  indexed: fc.boolean(),
  completions: fc.integer({ min: 1, max: 5 }),
  parallelism: fc.integer({ min: 1, max: 4 }),
  backoffLimit: fc.nat(3),
  onlyFailed: fc.boolean(),
});

/** What happened to the pods, as whoever did it knows. */
class Model {
  readonly scene: Scene;
  readonly succeeded = new Set<string>();
  readonly failed = new Set<string>();
  /** Bounds that a creation passed. */
  readonly passed: string[] = [];
  #failures = 0;
  #done = 0;

  constructor(scene: Scene) {
    this.scene = scene;
    const effects = scene.kernel.link('effects');
    scene.kernel.fault = (request, plugin) => {
      if (plugin === 'effects' || request.resource === 'events') return undefined;
      if (request.resource === 'pods' && request.verb === 'create') this.#checkCreation();
      if (['list', 'get'].includes(request.verb) || this.#failures === 0) return undefined;
      this.#failures--;
      if (this.#done++ % 2 === 0) void effects.request([request]);
      return serviceUnavailable('chance');
    };
  }

  failNext(writes: number): void {
    this.#failures = writes;
  }

  get limit(): number {
    return this.scene.job.spec?.backoffLimit ?? 0;
  }

  /** Asked at the moment of each creation, of the world as it is. */
  #checkCreation(): void {
    const { active, job } = this.scene;
    const { parallelism = 1, completions = 1, suspend } = job.spec ?? {};
    const left = completions - this.succeeded.size;
    if (active.length >= Math.min(parallelism, left)) this.passed.push('more pods than wanted');
    if (this.failed.size > this.limit) this.passed.push('a pod past backoffLimit');
    if (suspend) this.passed.push('a pod of a suspended Job');
  }

  async apply({ action, pick }: Step): Promise<void> {
    const { scene } = this;
    const pod = scene.active[pick % Math.max(1, scene.active.length)];
    if (action === 'parallelism') await scene.set({ parallelism: pick });
    else if (action === 'suspend') await scene.set({ suspend: pick % 2 === 0 });
    else if (action === 'crash') await scene.restart();
    else if (action === 'wait') await scene.step(30_000 * pick);
    else if (action === 'lag') await this.#lag();
    else if (pod) await this.#end(pod, action);
  }

  /** The copies stand still for a while, and it goes on with them. */
  async #lag(): Promise<void> {
    const release = this.scene.kernel.holdWatches();
    await this.scene.step(40_000);
    release();
    await this.scene.step();
  }

  async #end(pod: Pod, action: 'succeed' | 'fail' | 'delete'): Promise<void> {
    const isLost = !isPodActive(this.scene.kernel.get(Pod, keyOf(pod)) ?? pod);
    assert.equal(isLost, false);
    (action === 'succeed' ? this.succeeded : this.failed).add(pod.metadata.uid ?? '');
    if (action === 'succeed') await this.scene.succeed(pod);
    else if (action === 'fail') await this.scene.fail(pod);
    else await this.#delete(pod);
  }

  /** The node stops it at once: with the policy Failed only that lets it be replaced. */
  async #delete(pod: Pod): Promise<void> {
    this.scene.setStatus(pod, { phase: 'Failed' });
    await this.scene.delete(pod);
  }

  /** Lets the Job come to its end, every pod that still runs succeeding. */
  async finish(): Promise<void> {
    this.failNext(0);
    const { scene } = this;
    await scene.set({ suspend: false, parallelism: 2 });
    for (let i = 0; i < 40 && scene.conditions.at(-1)?.includes('=True') !== true; i++) {
      await scene.step(600_000);
      const [pod] = scene.active;
      if (pod) await this.#end(pod, 'succeed');
    }
    await scene.step(600_000);
  }
}

it('whatever happens to a Job, it ends as specified and keeps its bounds on the way', async () => {
  await fc.assert(
    fc.asyncProperty(wanted, fc.array(step, { maxLength: 12 }), async (spec, steps) => {
      const { indexed, onlyFailed, ...rest } = spec;
      const scene = new Scene(
        job({
          ...{ ...rest, suspend: false },
          completionMode: indexed ? 'Indexed' : 'NonIndexed',
          podReplacementPolicy: onlyFailed ? 'Failed' : 'TerminatingOrFailed',
        }),
      );
      const model = new Model(scene);
      await scene.start();
      for (const each of steps) {
        model.failNext(each.failures);
        await model.apply(each);
      }
      await model.finish();
      assertEnd(model, rest.completions, indexed);
      await scene.stop();
    }),
    { numRuns: 60 },
  );
});

function assertEnd(
  { scene, succeeded, failed, passed, limit }: Model,
  wantedPods: number,
  indexed: boolean,
) {
  const { status, conditions } = scene;
  assert.deepEqual(passed, []);
  const isFailed = failed.size > limit;
  const end = isFailed ? 'Failed=True BackoffLimitExceeded' : 'Complete=True CompletionsReached';
  assert.equal(conditions.at(-1), end);
  assert.deepEqual([status.active, status.uncountedTerminatedPods], [undefined, {}]);
  assert.equal(status.succeeded ?? 0, succeeded.size);
  if (!isFailed) {
    assert.equal(succeeded.size, wantedPods);
    assert.equal(status.failed ?? 0, failed.size);
    if (indexed) assert.equal(status.completedIndexes?.startsWith('0'), true);
  }
  assert.ok(scene.pods.every(pod => isPodFinished(pod) && !pod.metadata.finalizers));
}
