import { ApiError, MetricError } from 'kernetes/sdk';
import { NoProposal } from './no-proposal.ts';

/** A metric that says nothing. `message` has what was tried around the finding, as upstream. */
export class MetricFailure extends Error {
  override name = 'MetricFailure';
  /** Of the event and the condition. */
  readonly reason: string;
  /** What they say. */
  readonly finding: string;

  constructor(reason: string, finding: string, message = finding) {
    super(message);
    this.reason = reason;
    this.finding = finding;
  }
}

/** What is expected to go wrong becomes a failure of the metric; everything else is a bug. */
export async function attempt<T>(
  work: () => Promise<T>,
  failure: (finding: string) => MetricFailure,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isExpected(error)) throw error;
    const failed = failure(error.message);
    failed.cause = originOf(error);
    throw failed;
  }
}

/** Says what was tried before what went wrong. */
export async function within<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw new NoProposal(`${what}: ${error.message}`, { cause: originOf(error) });
  }
}

/** A server that is not there is told as client-go does. */
export function fetched<T>(api: string, resource: string, work: () => Promise<T>): Promise<T> {
  return work().catch(error => {
    if (!ApiError.is(error)) throw error;
    const isServed = !ApiError.is(error, 'NotFound') || error.message !== NOT_SERVED;
    const why = isServed ? error.message : `${NOT_SERVED} (get ${resource})`;
    throw new NoProposal(`unable to fetch metrics from ${api} API: ${why}`, { cause: error });
  });
}

/** The messages tell all that is between: the log needs one stack, not one for each of them. */
export function originOf(error: Error): unknown {
  return error.cause ?? error;
}

function isExpected(error: unknown): error is Error {
  return (
    [NoProposal, MetricError].some(expected => error instanceof expected) || ApiError.is(error)
  );
}

const NOT_SERVED = 'the server could not find the requested resource';
