import type { MetricsSource } from 'kernetes/sdk';
import type { Call } from './call.ts';
import type { InFlight } from './in-flight.ts';

/**
 * Upstream's figures of an API server. Counted in plain numbers and written as text only when
 * somebody reads them: every request passes here.
 */
export class RequestMetrics implements MetricsSource {
  readonly #inFlight: InFlight;
  readonly #series = new Map<string, Series>();
  readonly #longRunning = new Map<string, number>();

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight;
  }

  begun(call: Call): void {
    if (call.isLongRunning) this.#addLongRunning(call, 1);
  }

  ended(call: Call, code: number, seconds: number): void {
    if (call.isLongRunning) this.#addLongRunning(call, -1);
    const series = this.#of(call);
    series.codes.set(code, (series.codes.get(code) ?? 0) + 1);
    if (call.isLongRunning) return;
    series.sum += seconds;
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] ?? 0)) bucket++;
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
  }

  text(): string {
    return [
      '# HELP apiserver_request_total Requests by verb, resource and HTTP code',
      '# TYPE apiserver_request_total counter',
      ...[...this.#series.values()].flatMap(({ labels, codes }) =>
        [...codes].map(([code, n]) => `apiserver_request_total{code="${code}",${labels}} ${n}`),
      ),
      '# HELP apiserver_request_duration_seconds Time to answer, long-running requests aside',
      '# TYPE apiserver_request_duration_seconds histogram',
      ...[...this.#series.values()].flatMap(histogramLines),
      '# HELP apiserver_current_inflight_requests Requests under way that count for the limits',
      '# TYPE apiserver_current_inflight_requests gauge',
      `apiserver_current_inflight_requests{request_kind="mutating"} ${this.#inFlight.mutating}`,
      `apiserver_current_inflight_requests{request_kind="readOnly"} ${this.#inFlight.readOnly}`,
      '# HELP apiserver_longrunning_requests Watches and connections that are open',
      '# TYPE apiserver_longrunning_requests gauge',
      ...[...this.#longRunning].map(
        ([verb, n]) => `apiserver_longrunning_requests{verb="${verb}"} ${n}`,
      ),
      '',
    ].join('\n');
  }

  #of(call: Call): Series {
    const { resource, verb, isKnown } = call;
    const key =
      resource !== undefined && isKnown
        ? `${verb} ${resource.group}/${resource.version}/${resource.resource}/${resource.subresource ?? ''} ${scopeOf(call)}`
        : verb;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = {
        labels: labelsOf(call),
        codes: new Map(),
        buckets: new Array<number>(BUCKETS.length + 1).fill(0),
        sum: 0,
      };
      // Words of clients must not fill the memory.
      if (this.#series.size < SERIES_MAX) this.#series.set(key, series);
    }
    return series;
  }

  #addLongRunning({ verb }: Call, change: number): void {
    const name = VERBS.get(verb) ?? 'other';
    this.#longRunning.set(name, (this.#longRunning.get(name) ?? 0) + change);
  }
}

interface Series {
  readonly labels: string;
  readonly codes: Map<number, number>;
  readonly buckets: number[];
  sum: number;
}

function labelsOf(call: Call): string {
  const { resource, isKnown } = call;
  const { group, version, resource: name, subresource } = (isKnown && resource) || NO_RESOURCE;
  return [
    'component="apiserver"',
    `group="${group}"`,
    `resource="${name}"`,
    `scope="${isKnown ? scopeOf(call) : ''}"`,
    `subresource="${subresource ?? ''}"`,
    `verb="${VERBS.get(call.verb) ?? 'other'}"`,
    `version="${version}"`,
  ].join(',');
}

function scopeOf({ resource }: Call): string {
  if (resource?.name) return 'resource';
  return resource?.namespace ? 'namespace' : 'cluster';
}

function histogramLines({ labels, buckets, sum }: Series): string[] {
  const name = 'apiserver_request_duration_seconds';
  let count = 0;
  const lines = buckets.map((n, i) => {
    count += n;
    return `${name}_bucket{${labels},le="${BUCKETS[i] ?? '+Inf'}"} ${count}`;
  });
  if (count === 0) return [];
  return [...lines, `${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`];
}

const NO_RESOURCE = { group: '', version: '', resource: '', subresource: '' };
const SERIES_MAX = 10_000;
/** Upstream's. */
const BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45,
  60,
];
const VERBS: ReadonlyMap<string, string> = new Map([
  ['get', 'GET'],
  ['list', 'LIST'],
  ['watch', 'WATCH'],
  ['create', 'POST'],
  ['update', 'PUT'],
  ['patch', 'PATCH'],
  ['delete', 'DELETE'],
  ['deletecollection', 'DELETECOLLECTION'],
  ['post', 'POST'],
  ['put', 'PUT'],
  ['head', 'HEAD'],
  ['options', 'OPTIONS'],
]);
