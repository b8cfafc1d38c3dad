import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks until there is an answer, for what another process or thread does in its own time. It fails
 * after a time that no machine should need, however busy it is: a number of attempts would not do.
 */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`It did not happen: ${ask}`);
    await pause(PAUSE_MS);
  }
}

/** The same for what holds or does not. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  await eventually(async () => ((await holds()) ? true : undefined));
}

const DEADLINE_MS = 30_000;
const PAUSE_MS = 5;
