import type { Contribution, Disposer, ExtensionPoint } from './extension.ts';
import type { KubeObject } from './kind.ts';
import type { LogFields, LogLevel } from './logger.ts';
import type { Labels } from './metrics.ts';
import type { BatchResult, ObjectWatchSink } from './objects.ts';
import type { ObjectRequest, WatchRequest } from './request.ts';

/**
 * One plugin's line to the kernel: everything that `PluginContext` does ends here. There is one
 * implementation per placement (direct calls, a MessagePort, a child process), and one against a
 * remote cluster. Not public: plugins see `PluginContext` only. The kernel knows whose line it is.
 */
export interface KernelLink {
  /** Answers in order; one entry per request; rejects only when the line is cut. */
  request(requests: readonly ObjectRequest[]): Promise<BatchResult[]>;
  watch(request: WatchRequest, sink: ObjectWatchSink<KubeObject>): () => void;
  provide<T>(point: ExtensionPoint<T>, name: string, value: T): Disposer;
  /** Calls `onChange` with all contributions, at once and after every change. */
  subscribe<T>(
    point: ExtensionPoint<T>,
    onChange: (contributions: readonly Contribution<T>[]) => void,
  ): Disposer;
  log(level: LogLevel, message: string, fields: LogFields): void;
  metric(record: MetricRecord): void;
}

export interface MetricRecord {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly buckets?: readonly number[];
  readonly value: number;
  readonly labels: Labels;
}
