import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Container } from '../api/types-core-v1.ts';
import type { ContainerExit, PodSandbox, Runtime, StartResult } from '../runtime.ts';

export interface RuntimeConformanceOptions {
  /** A new one for each test. */
  create(): Promise<RuntimeUnderTest>;
  /** Runs until it is stopped, and then ends within its grace. */
  readonly server: Container;
  /** Ends by itself with this exit code, soon after its start. */
  ending(exitCode: number): Container;
  /** An image that cannot be pulled; absent when the runtime takes any. */
  readonly missingImage?: string;
}

export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  /** Lets the runtime's time go on until `condition` holds, or fails after a bound. */
  until(condition: () => boolean): Promise<void>;
  /** Lets what is under way happen, so that what must not come had its time to come. */
  settle(): Promise<void>;
  dispose(): Promise<void>;
}

/** The suite that every `runtime` passes. */
export function testRuntime(name: string, options: RuntimeConformanceOptions): void {
  describe(`runtime ${name}`, () => {
    const it = (what: string, body: (run: Run) => Promise<void>) =>
      test(what, async () => {
        const run = new Run(await options.create(), options);
        try {
          await body(run);
        } finally {
          await run.dispose();
        }
      });
    testSandboxes(it);
    testImages(it, options);
    testEnds(it);
    testStops(it);
    testResumes(it);
    testUsage(it);
  });
}

type It = (what: string, body: (run: Run) => Promise<void>) => void;

function testSandboxes(it: It): void {
  it('runPod() makes one sandbox of a uid, which pods() tells and removePod() ends', async run => {
    const { runtime } = run;
    assert.deepEqual(await runtime.pods(), []);
    for (const _ of ['new', 'again']) assert.equal((await runtime.runPod(POD)).ok, true);
    assert.deepEqual(await runtime.pods(), [POD.uid]);
    await runtime.removePod(POD.uid);
    assert.deepEqual(await runtime.pods(), []);
    await runtime.removePod(POD.uid);
  });

  it('startContainer() refuses a pod without a sandbox by a value', async ({ runtime, server }) => {
    await runtime.pullImage(POD.node, server.image ?? '');
    const result = await runtime.startContainer({ pod: POD, container: server, attempt: 0 });
    assert.equal(result.ok, false);
  });

  it('removePod() ends its containers without a word', async run => {
    const { id } = await run.start(run.server);
    await run.runtime.removePod(POD.uid);
    await run.settle();
    assert.equal(run.exits.length, 0);
    assert.equal((await run.runtime.probe(id, {})).ok, false);
  });
}

function testImages(it: It, { missingImage }: RuntimeConformanceOptions): void {
  it('findImage() knows what pullImage() brought, by the same id', async ({ runtime, server }) => {
    const image = server.image ?? '';
    const pulled = await runtime.pullImage(POD.node, image);
    assert.ok(pulled.ok);
    assert.notEqual(pulled.imageID, '');
    assert.equal(await runtime.findImage(POD.node, image), pulled.imageID);
  });

  if (missingImage === undefined) {
    test('pullImage() of a missing image', { skip: 'the runtime takes any image' });
    return;
  }
  it('pullImage() refuses a missing image by a value with a reason', async ({ runtime }) => {
    const pulled = await runtime.pullImage(POD.node, missingImage);
    assert.ok(!pulled.ok);
    assert.match(pulled.reason, /^(ErrImagePull|InvalidImageName|RegistryUnavailable)$/);
    assert.notEqual(pulled.message, '');
    assert.equal(await runtime.findImage(POD.node, missingImage), undefined);
  });
}

function testEnds(it: It): void {
  it('ids begin with the name of the runtime and are used once', async run => {
    const first = await run.start(run.ending(0));
    await run.until(() => run.exits.length === 1);
    const second = await run.start(run.ending(0), 1);
    assert.ok(first.id.startsWith(`${run.runtime.name}://`), first.id);
    assert.notEqual(first.id, second.id);
  });

  for (const exitCode of [0, 3]) {
    it(`exited() tells once that a container ended with ${exitCode}`, async run => {
      const container = run.ending(exitCode);
      const { id, startedAtMs } = await run.start(container);
      assert.equal(run.exits.length, 0, 'never before the start is answered');
      await run.until(() => run.exits.length > 0);
      await run.settle();
      const [exit] = run.exits;
      assert.equal(run.exits.length, 1);
      const told = [exit?.podUid, exit?.container, exit?.id, exit?.exitCode, exit?.reason];
      const reason = exitCode === 0 ? 'Completed' : 'Error';
      assert.deepEqual(told, [POD.uid, container.name, id, exitCode, reason]);
      assert.ok((exit?.finishedAtMs ?? 0) >= startedAtMs);
    });
  }

  it('exited() is not called after the subscription was disposed', async run => {
    await run.start(run.ending(0));
    await run.unsubscribe();
    await run.settle();
    assert.equal(run.exits.length, 0);
  });
}

function testStops(it: It): void {
  it('stopContainer() ends a container within its grace, however often it is called', async run => {
    const { id } = await run.start(run.server);
    run.runtime.stopContainer(id, 5000);
    run.runtime.stopContainer(id, 1000);
    assert.equal(run.exits.length, 0, 'never within the call');
    await run.until(() => run.exits.length > 0);
    run.runtime.stopContainer(id, 0);
    await run.settle();
    assert.deepEqual(
      run.exits.map(exit => exit.id),
      [id],
    );
  });

  it('stopContainer() ignores what it does not know', async ({ runtime }) => {
    runtime.stopContainer(`${runtime.name}://none`, 0);
  });

  it('probe() fails for what does not run', async ({ runtime }) => {
    assert.equal((await runtime.probe(`${runtime.name}://none`, {})).ok, false);
  });
}

function testResumes(it: It): void {
  it('resumeContainer() finds a container that runs', async run => {
    const known = await run.start(run.server);
    const request = { pod: POD, container: run.server, attempt: 0, ...known };
    assert.deepEqual(await run.runtime.resumeContainer(request), { running: true });
    run.runtime.stopContainer(known.id, 5000);
    await run.until(() => run.exits.length === 1);
  });

  it('resumeContainer() tells how one ended that ends no more', async run => {
    const container = run.ending(3);
    const known = await run.start(container);
    await run.until(() => run.exits.length === 1);
    const request = { pod: POD, container, attempt: 0, ...known };
    const outcome = await run.runtime.resumeContainer(request);
    assert.deepEqual(outcome, { running: false, exit: run.exits[0] });
  });
}

function testUsage(it: It): void {
  it('usage(), where there is one, tells of each pod asked for what runs in it', async run => {
    const { runtime, server } = run;
    await run.start(server);
    await run.settle();
    const asked = [POD.uid, 'unknown'].map(uid => ({ uid, annotations: {} }));
    const usage = await runtime.usage?.(asked);
    if (usage === undefined) return;
    const [known, unknown] = usage.pods;
    assert.equal(usage.pods.length, 2);
    assert.deepEqual(unknown, []);
    assert.deepEqual(
      known?.map(({ name }) => name),
      [server.name],
    );
    for (const { cpuNanoCores, memoryBytes, windowMs } of known ?? []) {
      assert.ok(cpuNanoCores >= 0 && memoryBytes >= 0);
      assert.ok(windowMs > 0 && windowMs <= usage.windowMs);
    }
  });

  it('usage() tells nothing of what has ended', async run => {
    const { runtime } = run;
    await run.start(run.ending(0));
    await run.until(() => run.exits.length === 1);
    const usage = await runtime.usage?.([{ uid: POD.uid, annotations: {} }]);
    assert.deepEqual(usage?.pods ?? [[]], [[]]);
  });
}

/** One test's runtime, and what it said. */
class Run {
  readonly runtime: Runtime;
  readonly exits: ContainerExit[] = [];
  readonly #tested: RuntimeUnderTest;
  readonly #options: RuntimeConformanceOptions;
  readonly unsubscribe: () => void | Promise<void>;

  constructor(tested: RuntimeUnderTest, options: RuntimeConformanceOptions) {
    this.#tested = tested;
    this.#options = options;
    this.runtime = tested.runtime;
    this.unsubscribe = this.runtime.subscribe({ exited: exit => void this.exits.push(exit) });
  }

  get server(): Container {
    return this.#options.server;
  }

  ending(exitCode: number): Container {
    return this.#options.ending(exitCode);
  }

  /** With its sandbox and image. */
  async start(container: Container, attempt = 0): Promise<StartResult & { ok: true }> {
    await this.runtime.runPod(POD);
    await this.runtime.pullImage(POD.node, container.image ?? '');
    const result = await this.runtime.startContainer({ pod: POD, container, attempt });
    assert.ok(result.ok, 'the container starts');
    return result;
  }

  until(condition: () => boolean): Promise<void> {
    return this.#tested.until(condition);
  }

  settle(): Promise<void> {
    return this.#tested.settle();
  }

  dispose(): Promise<void> {
    return this.#tested.dispose();
  }
}

const POD: PodSandbox = {
  uid: '7c2f1c1e-3a55-4c39-9a57-5d6a1f6f2f11',
  namespace: 'default',
  name: 'web-0',
  node: 'node-1',
  hostNetwork: false,
};
