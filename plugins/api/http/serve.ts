import type { Auditor, Clock, Logger, Timer } from 'kernetes/sdk';
import { ApiError, internalError } from 'kernetes/sdk';
import { beginTrail } from './audit.ts';
import { type Call, readCall } from './call.ts';
import type { Handler } from './handler.ts';
import type { Caller, Identify } from './identity.ts';
import type { InFlight } from './in-flight.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { timedOut, timeoutMsOf } from './request-timeout.ts';
import { type Response, respondError } from './respond.ts';
import type { Request } from './server.ts';
import type { Upgrade } from './websocket.ts';

export interface ServeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly identify: Identify;
  readonly handler: Handler;
  readonly inFlight: InFlight;
  readonly metrics: RequestMetrics;
  readonly requestTimeoutMs: number;
  readonly auditor: () => Auditor | undefined;
}

export interface Service {
  serve(request: Request, response: Response, upgrade?: Upgrade): Promise<void>;
  /** Resolves when every request is answered or cut off, and whoever keeps books knows. */
  ended(): Promise<void>;
}

/**
 * What every request passes, in upstream's order: its time begins to run, who sends it is found
 * out, the audit log is told, its place among those in flight is taken; then it is handled. Rejects
 * with what nobody can be told any more.
 */
export function createService(options: ServeOptions): Service {
  let open = 0;
  let onEnd: () => void = () => undefined;
  const ended = () => {
    if (--open === 0) onEnd();
  };
  return {
    serve(request, response, upgrade) {
      open++;
      return serve(readCall(request, response, upgrade), options, ended);
    },
    ended() {
      return new Promise(resolve => {
        if (open === 0) resolve();
        else onEnd = resolve;
      });
    },
  };
}

async function serve(call: Call, options: ServeOptions, ended: () => void): Promise<void> {
  const passage = new Passage(call, options, ended);
  try {
    passage.begin();
    const caller = await identified(call, options);
    passage.enter(caller);
    if (call.failure !== undefined) throw call.failure;
    await options.handler(call, caller);
  } catch (error) {
    passage.fail(error);
  } finally {
    passage.settle();
  }
}

/** Who is refused is audited too. */
async function identified(call: Call, options: ServeOptions): Promise<Caller> {
  const auditor = options.auditor();
  if (auditor === undefined) return options.identify(call.request);
  let requester = NOBODY;
  try {
    const caller = await options.identify(call.request, found => {
      requester = found;
    });
    beginTrail(auditor, call, caller);
    return caller;
  } catch (error) {
    beginTrail(auditor, call, { requester, user: requester });
    throw error;
  }
}

const NOBODY = { name: '', groups: [] as readonly string[] };

/** What a request holds while it is served. */
class Passage {
  readonly #call: Call;
  readonly #options: ServeOptions;
  readonly #started: number;
  #deadline: Timer | undefined;
  #leave: (() => void) | undefined;
  /** The answer, and the work. */
  #open = 2;
  #failure: ApiError | undefined;
  #panic = false;

  constructor(call: Call, options: ServeOptions, ended: () => void) {
    this.#call = call;
    this.#options = options;
    this.#started = options.clock.monotonic();
    onEnd(call, () => {
      this.#answered();
      ended();
    });
    options.metrics.begun(call);
  }

  begin(): void {
    const { isLongRunning, query } = this.#call;
    if (isLongRunning) return;
    const { clock, requestTimeoutMs } = this.#options;
    this.#deadline = clock.setTimeout(() => this.#expire(), timeoutMsOf(query, requestTimeoutMs));
  }

  enter({ user }: Caller): void {
    this.#leave = this.#options.inFlight.enter(this.#call, user);
  }

  fail(error: unknown): void {
    const { response } = this.#call;
    const known = error instanceof ApiError ? error : internalError(error);
    this.#failure ??= known;
    if (known !== error) {
      this.#panic = true;
      this.#options.log.error('Cannot answer a request', { error });
    }
    if (isDetached(this.#call)) this.#call.upgrade?.socket.destroy();
    else if (!response.headersSent) respondError(response, known);
    else if (!response.writableEnded) response.destroy();
  }

  /** Who goes on with another protocol has as long as he likes, and no place in flight. */
  settle(): void {
    if (isDetached(this.#call)) {
      this.#deadline?.cancel();
      this.#leave?.();
      this.#leave = undefined;
    }
    this.#release();
  }

  /** Who is answered in part gets no more; what is worked on goes on, and is told nobody. */
  #expire(): void {
    const { response } = this.#call;
    this.#failure ??= timedOut();
    if (!response.headersSent) respondError(response, this.#failure);
    else if (!response.writableFinished) response.destroy();
  }

  #answered(): void {
    const { metrics, clock } = this.#options;
    const call = this.#call;
    this.#deadline?.cancel();
    const code = call.response.headersSent ? call.response.statusCode : 0;
    metrics.ended(call, code, (clock.monotonic() - this.#started) / 1_000);
    const status = this.#failure?.status;
    call.trail?.complete({ code, panic: this.#panic, ...(status && { status }) });
    this.#release();
  }

  #release(): void {
    if (--this.#open === 0) this.#leave?.();
  }
}

/** When the answer is gone, or the connection, which goes on without one under another protocol. */
function onEnd({ response, upgrade }: Call, listener: () => void): void {
  if (upgrade === undefined) {
    response.once('close', listener);
    return;
  }
  const end = () => {
    upgrade.response.off('finish', end);
    upgrade.socket.off('close', end);
    listener();
  };
  upgrade.response.once('finish', end);
  upgrade.socket.once('close', end);
}

/** The connection was taken out of the answer's hands. */
function isDetached({ upgrade }: Call): boolean {
  return upgrade !== undefined && upgrade.response.socket !== upgrade.socket;
}
