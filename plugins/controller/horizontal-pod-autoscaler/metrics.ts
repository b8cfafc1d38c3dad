import type { MetricSpec, MetricStatus } from 'kernetes/sdk';
import { evaluate } from './metric.ts';
import type { MetricContext, MetricResult } from './metric-context.ts';
import { MetricFailure, originOf } from './metric-failure.ts';

/** What all metrics of an autoscaler say together. */
export interface Evaluation {
  /** The most that any asks for; undefined: they do not say enough to act on. */
  readonly best: MetricResult | undefined;
  /** One for each metric, without a type where it failed. */
  readonly statuses: readonly MetricStatus[];
  readonly failures: readonly MetricFailure[];
  /** Of all failures, the first of them named. */
  readonly error: Error | undefined;
}

/**
 * The greatest number that a metric asks for. One that failed might have asked for more: then
 * nothing is taken away.
 */
export async function evaluateAll(
  specs: readonly MetricSpec[],
  context: MetricContext,
): Promise<Evaluation> {
  const results = await Promise.all(specs.map(spec => evaluate(spec, context).catch(asFailure)));
  const failures = results.filter(result => result instanceof MetricFailure);
  let best: MetricResult | undefined;
  for (const result of results) {
    if (result instanceof MetricFailure) continue;
    if (!best || best.replicas === 0 || result.replicas > best.replicas) best = result;
  }
  const isUnsure = failures.length > 0 && best && best.replicas < context.specReplicas;
  return {
    best: isUnsure ? undefined : best,
    statuses: results.map(result => ('status' in result ? result.status : { type: '' })),
    failures,
    error: errorOf(failures, specs.length),
  };
}

function asFailure(error: unknown): MetricFailure {
  if (error instanceof MetricFailure) return error;
  throw error;
}

function errorOf(failures: readonly MetricFailure[], count: number): Error | undefined {
  const [first] = failures;
  if (!first) return undefined;
  const invalid = `${failures.length} invalid out of ${count}`;
  const message = `invalid metrics (${invalid}), first error is: ${first.message}`;
  return new Error(message, { cause: originOf(first) });
}
