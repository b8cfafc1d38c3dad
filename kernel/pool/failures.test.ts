import assert from 'node:assert/strict';
import test from 'node:test';
import type { HostExit } from './host.ts';
import { startTestHost, testdata } from './pool-testing.ts';

interface Failure {
  readonly how: string;
  /** Of `activate`; absent: it succeeds. */
  readonly refusal?: RegExp;
  /** Of the host; absent: it lives on. */
  readonly exit?: HostExit['reason'];
  readonly error?: RegExp;
  readonly heartbeatMs?: number;
  /** Other threads of the process would not survive it. */
  readonly processOnly?: boolean;
}

const FAILURES: readonly Failure[] = [
  { how: 'throws while activating', refusal: /not today[\s\S]*misbehaving\.ts:7:/ },
  { how: 'throws later', exit: 'crashed', error: /later[\s\S]*misbehaving\.ts:62:/ },
  { how: 'rejects later', exit: 'crashed', error: /later/ },
  { how: 'throws an object with getters', exit: 'crashed' },
  { how: 'throws a proxy', exit: 'crashed' },
  { how: 'breaks the emitter, then throws', exit: 'crashed', error: /later/ },
  { how: 'loops for ever while activating', refusal: /did not answer/, exit: 'hung' },
  { how: 'loops for ever later', exit: 'hung', error: /did not answer for 600 ms/ },
  { how: 'grows its heap', refusal: /memory/, exit: 'out-of-memory' },
  { how: 'never finishes activating', refusal: /plugin "test.misbehaving".* within 1500 ms/ },
  { how: 'fills memory with buffers', exit: 'out-of-memory', processOnly: true },
  {
    how: 'makes V8 abort',
    exit: 'crashed',
    error: /SIGABRT|SIGTRAP/,
    heartbeatMs: 2_000,
    processOnly: true,
  },
  { how: 'cannot be interrupted', exit: 'hung', processOnly: true },
];

for (const placement of ['worker', 'process'] as const) {
  for (const failure of FAILURES) {
    if (failure.processOnly && placement === 'worker') continue;
    test(`a plugin that ${failure.how} leaves other hosts alone (${placement})`, async () => {
      const neighbour = await startTestHost({ files: { 'test.echo': testdata('echo.ts') } });
      await neighbour.host.activate('test.echo', { suffix: '!' });
      const { host, exit, exits } = await startTestHost({
        files: { 'test.misbehaving': testdata('misbehaving.ts') },
        placement,
        limits: { heapMb: 64, activateTimeoutMs: 1_500, heartbeatMs: failure.heartbeatMs ?? 200 },
      });
      await checkActivation(host.activate('test.misbehaving', { how: failure.how }), failure);
      if (failure.exit) {
        const { reason, error } = await exit;
        assert.equal(reason, failure.exit, String(error.stack));
        assert.match(String(error.stack), failure.error ?? /./);
      } else assert.deepEqual(exits, []);
      const echo = neighbour.link.provided[0]?.value as { echo(text: string): Promise<string> };
      assert.equal(await echo.echo('still here'), 'still here!');
      await Promise.all([host.stop(), neighbour.host.stop()]);
    });
  }
}

async function checkActivation(activation: Promise<void>, { refusal, exit }: Failure) {
  const error: Error | undefined = await activation.then(
    () => undefined,
    error => error,
  );
  if (refusal) assert.match(String(error?.stack), refusal);
  // A failure soon after may come before the answer.
  else if (error && !exit) throw error;
}
