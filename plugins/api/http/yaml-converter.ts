import { Worker } from 'node:worker_threads';
import {
  ApiError,
  type Clock,
  internalError,
  serviceUnavailable,
  type Timer,
  tooManyRequests,
} from 'kernetes/sdk';
import { jsonToYaml, type YamlReading, yamlToJson } from './yaml-text.ts';

export interface YamlTask {
  readonly to: 'json' | 'yaml';
  readonly text: string;
}

export type YamlReply =
  | { readonly text: string; readonly duplicates: readonly string[] }
  | { readonly error: string };

/**
 * YAML from and to JSON. What takes more than some milliseconds is done in a thread, one text after
 * another, so that nobody else waits for it. The thread begins with the first such text and ends
 * when there was none for a while. Slices of the work between others' would need no thread, but the
 * library composes a document as one.
 */
export class YamlConverter {
  readonly #clock: Clock;
  readonly #heapMb: number;
  readonly #waiting: Job[] = [];
  #thread: Worker | undefined;
  #current: Job | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(clock: Clock, { heapMb = HEAP_MB }: { readonly heapMb?: number } = {}) {
    this.#clock = clock;
    this.#heapMb = heapMb;
  }

  /** The thread is there. */
  get isRunning(): boolean {
    return this.#thread !== undefined;
  }

  /** Rejects with what is wrong with the text; with an ApiError where it was not read. */
  async toJson(text: string): Promise<YamlReading> {
    if (text.length <= INLINE_LENGTH_MAX) return yamlToJson(text);
    const reply = await this.#run({ to: 'json', text });
    if ('error' in reply) throw new Error(reply.error);
    return { json: reply.text, duplicates: reply.duplicates };
  }

  async toYaml(json: string): Promise<string> {
    if (json.length <= INLINE_LENGTH_MAX) return jsonToYaml(json);
    const reply = await this.#run({ to: 'yaml', text: json });
    if ('error' in reply) throw new Error(reply.error);
    return reply.text;
  }

  /** What is not converted yet is rejected. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    const jobs = [this.#current, ...this.#waiting.splice(0)];
    this.#current = undefined;
    for (const job of jobs) job?.reject(stopping());
    this.#end();
  }

  #run(task: YamlTask): Promise<YamlReply> {
    if (this.#isClosed) throw stopping();
    if (this.#waiting.length >= WAITING_MAX) {
      throw tooManyRequests('Too many requests, please try again later.', 1);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      if (this.#current === undefined) this.#next();
    });
  }

  #next(): void {
    this.#timer?.cancel();
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) {
      this.#thread?.unref();
      this.#timer = this.#clock.setTimeout(() => this.#end(), IDLE_MS);
      this.#timer.unref();
      return;
    }
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#thread.postMessage(this.#current.task);
    this.#timer = this.#clock.setTimeout(() => this.#fail(tooMuch('time')), TASK_MS);
  }

  #start(): Worker {
    const { script, eval: isText } = threadScript();
    const thread = new Worker(script, {
      eval: isText,
      name: 'api.http/yaml',
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMb },
    });
    const isCurrent = () => this.#thread === thread;
    thread.on('message', (reply: YamlReply) => {
      if (!isCurrent()) return;
      this.#current?.resolve(reply);
      this.#next();
    });
    thread.on('error', error => {
      const { code } = error as { readonly code?: string };
      const isMemory = code === 'ERR_WORKER_OUT_OF_MEMORY';
      if (isCurrent()) this.#fail(isMemory ? tooMuch('memory') : internalError(error));
    });
    thread.on('exit', () => {
      if (isCurrent()) this.#fail(internalError('The thread that converts YAML ended'));
    });
    return thread;
  }

  /** The text in work is given up, and the thread with it: the next has a new one. */
  #fail(error: ApiError): void {
    this.#end();
    this.#current?.reject(error);
    this.#next();
  }

  #end(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    void thread?.terminate();
  }
}

interface Job {
  readonly task: YamlTask;
  readonly resolve: (reply: YamlReply) => void;
  readonly reject: (error: ApiError) => void;
}

function tooMuch(what: 'time' | 'memory'): ApiError {
  return new ApiError({
    message: `Request entity too large: its YAML takes too much ${what}`,
    reason: 'RequestEntityTooLarge',
    details: {},
    code: 413,
  });
}

function stopping(): ApiError {
  return serviceUnavailable('The server is stopping');
}

/** The script: beside the chunk that has this code, or in a checkout, what must be compiled first. */
function threadScript(): { readonly script: string | URL; readonly eval: boolean } {
  if (!import.meta.url.endsWith('.ts')) {
    return { script: new URL('./yaml-thread.js', import.meta.url), eval: false };
  }
  const file = JSON.stringify(new URL('./yaml-thread.ts', import.meta.url).href);
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  return { script: `import(${tsx}).then(tsx => tsx.tsImport(${file}, ${file}))`, eval: true };
}

/** About 1,500 lines: 20 ms. */
const INLINE_LENGTH_MAX = 16 * 1024;
/** Of 3 MiB each at most. */
const WAITING_MAX = 16;
const IDLE_MS = 10_000;
/** A body of 3 MiB takes six seconds, at its worst thirteen. */
const TASK_MS = 30_000;
/** An ordinary body of 3 MiB needs 350. */
const HEAP_MB = 768;
