import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Timer } from '../../sdk/clock.ts';
import type { Contribution, ExtensionPoint } from '../../sdk/extension.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { KernelLink, MetricRecord } from '../../sdk/link.ts';
import type { BatchResult, ObjectWatchSink } from '../../sdk/objects.ts';
import type { ObjectRequest, WatchRequest } from '../../sdk/request.ts';
import { systemClock } from '../clock.ts';
import { bundleHost, bundlePlugins } from './bundle.ts';
import { encodeLink } from './encoded-link.ts';
import { type HostExit, type HostedPlugin, type HostOptions, startHost } from './host.ts';

/** A kernel's end of a link that records what comes, for tests. */
export class RecordingLink implements KernelLink {
  readonly requests: ObjectRequest[] = [];
  readonly logs: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  readonly metrics: MetricRecord[] = [];
  readonly watches: { request: WatchRequest; sink: ObjectWatchSink<KubeObject>; open: boolean }[] =
    [];
  readonly provided: { point: string; name: string; value: unknown }[] = [];
  readonly subscribers: ((list: readonly Contribution<never>[]) => void)[] = [];
  answer: (request: ObjectRequest) => BatchResult = () => ({ ok: true, object: {} });

  async request(requests: readonly ObjectRequest[]): Promise<BatchResult[]> {
    this.requests.push(...requests);
    return requests.map(request => this.answer(request));
  }

  watch(request: WatchRequest, sink: ObjectWatchSink<KubeObject>): () => void {
    const watch = { request, sink, open: true };
    this.watches.push(watch);
    return () => {
      watch.open = false;
    };
  }

  provide<T>(point: ExtensionPoint<T>, name: string, value: T): () => void {
    const entry = { point: point.name, name, value };
    this.provided.push(entry);
    return () => void this.provided.splice(this.provided.indexOf(entry), 1);
  }

  subscribe<T>(
    _point: ExtensionPoint<T>,
    onChange: (contributions: readonly Contribution<T>[]) => void,
  ): () => void {
    const subscriber = onChange as (list: readonly Contribution<never>[]) => void;
    this.subscribers.push(subscriber);
    subscriber([]);
    return () => void this.subscribers.splice(this.subscribers.indexOf(subscriber), 1);
  }

  log(level: string, message: string, fields: Record<string, unknown>): void {
    this.logs.push({ level, message, fields });
  }

  metric(record: MetricRecord): void {
    this.metrics.push(record);
  }
}

export const TEST_CACHE = join(tmpdir(), 'kernetes-test-bundles');

export interface TestHostOptions extends Partial<Omit<HostOptions, 'plugins'>> {
  /** Name -> entry file. */
  readonly files: Readonly<Record<string, string>>;
  readonly grants?: HostedPlugin['grants'];
  readonly heapMb?: number;
  readonly heartbeatMs?: number;
}

/** A host with plugins of `testdata`, each with a recording link. */
export async function startTestHost({ files, grants = {}, ...options }: TestHostOptions) {
  const names = Object.keys(files);
  const links = new Map(names.map(name => [name, new RecordingLink()]));
  const exits: HostExit[] = [];
  let exited: (exit: HostExit) => void = () => {};
  const exit = new Promise<HostExit>(resolve => {
    exited = resolve;
  });
  const [bundle, hostCode] = await Promise.all([
    bundlePlugins(
      names.map(name => ({ name, file: files[name] as string })),
      { cacheDir: TEST_CACHE },
    ),
    bundleHost(TEST_CACHE),
  ]);
  const host = await startHost({
    name: names.join('+'),
    placement: 'worker',
    plugins: names.map(name => ({ name, grants })),
    script: { code: bundle.code, map: () => bundle.map, ...hostCode },
    limits: {
      heapMb: options.heapMb ?? 64,
      activateTimeoutMs: 10_000,
      heartbeatMs: options.heartbeatMs ?? 1_000,
    },
    linkFor: name => encodeLink(links.get(name) as RecordingLink),
    clock: systemClock(),
    onExit: exit => {
      exits.push(exit);
      exited(exit);
    },
    ...options,
  });
  const link = links.get(names[0] as string) as RecordingLink;
  return { host, link, links, exit, exits };
}

export function testdata(file: string): string {
  return new URL(`./testdata/${file}`, import.meta.url).pathname;
}

/** Time that stands still until it is advanced. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer), unref() {} };
  }

  /** Runs what is due, in order, at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.callback();
    }
    this.#now = end;
  }
}
