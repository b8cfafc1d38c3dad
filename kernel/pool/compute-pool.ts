import { Piscina } from 'piscina';

export interface ComputePoolOptions {
  /** Gives the file of an ES module that exports the functions: see `bundleFunctions`. */
  readonly load: () => Promise<string>;
  readonly threadsMax: number;
  /** Batches that wait for a thread; more are refused. */
  readonly queueMax: number;
}

/**
 * Threads for pure functions over batches: filter and score over a chunk of nodes, rendering,
 * compression. For code that is trusted: the functions run unconfined. No thread is started before
 * the first batch, and idle ones wait for the next without a system call (`atomics`).
 */
export class ComputePool {
  readonly #options: ComputePoolOptions;
  #pool: Promise<Piscina> | undefined;

  constructor(options: ComputePoolOptions) {
    this.#options = options;
  }

  /**
   * Calls the exported function `name` with `batch` in some thread. Both ways are structured
   * clones; what is in `transfer` is given away instead. Rejects with what the function throws.
   */
  async run<B, R>(name: string, batch: B, options: RunOptions = {}): Promise<R> {
    this.#pool ??= this.#start();
    const pool = await this.#pool;
    const { transfer, signal } = options;
    return pool.run(batch, {
      name,
      ...(transfer && { transferList: [...transfer] }),
      ...(signal && { signal }),
    });
  }

  /** Rejects what is running and waiting, and ends the threads. */
  async close(): Promise<void> {
    const pool = await this.#pool;
    this.#pool = Promise.reject(new Error('Cannot compute: the pool is closed'));
    this.#pool.catch(() => {});
    await pool?.destroy();
  }

  async #start(): Promise<Piscina> {
    const filename = await this.#options.load();
    const { threadsMax, queueMax } = this.#options;
    return new Piscina({
      filename,
      minThreads: 1,
      maxThreads: threadsMax,
      maxQueue: queueMax,
      atomics: 'async',
      env: {},
    });
  }
}

export interface RunOptions {
  readonly transfer?: readonly ArrayBuffer[];
  readonly signal?: AbortSignal;
}
