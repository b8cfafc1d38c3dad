import type { AdmissionRequest } from '../admission.ts';
import type { Status } from '../api/types-meta-v1.ts';
import { CEL_MATCH_CONDITIONS_COST_MAX } from '../cel/cel.ts';
import type { Door } from '../door.ts';
import { celAuthorizer } from '../dynamic-admission/authorizer.ts';
import { allHold, requestResource } from '../dynamic-admission/conditions.ts';
import type { Matching } from '../dynamic-admission/matching.ts';
import { type RequestData, requestData } from '../dynamic-admission/request-data.ts';
import type { ResourceVersion } from '../dynamic-admission/rules.ts';
import type { KubeObject } from '../kind.ts';
import type { Logger } from '../logger.ts';
import type { Random } from '../random.ts';
import { ApiError, badRequest, forbidden, internalError } from '../status.ts';
import type { WebhookClient } from '../webhook/client.ts';
import type { Hook } from './hook.ts';
import { type ReviewResponse, readReview, reviewBody, reviewVersion } from './review.ts';

export interface HookCallerOptions {
  readonly client: WebhookClient;
  readonly matching: Matching;
  readonly door: () => Door;
  readonly random: Random;
  readonly log: Logger;
  readonly mutates: boolean;
}

/** The request as one webhook sees it. */
export interface Invocation {
  readonly hook: Hook;
  readonly as: ResourceVersion;
  readonly data: RequestData;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

/** Asks webhooks about requests. */
export class HookCaller {
  readonly #options: HookCallerOptions;

  constructor(options: HookCallerOptions) {
    this.#options = options;
  }

  /** Undefined: the webhook is not about the request. Throws where that cannot be told. */
  async invocation(hook: Hook, request: AdmissionRequest): Promise<Invocation | undefined> {
    const { matching, door } = this.#options;
    const found = matching.find(hook.criteria, request);
    const as = found instanceof Promise ? await found : found;
    if (as === undefined) return undefined;
    const { kind } = matching.resolve(as);
    const data = requestData(request, as, kind.kind);
    const object = await matching.convert(request, request.object, as);
    const oldObject = await matching.convert(request, request.oldObject, as);
    if (hook.conditions.length > 0) {
      const verdict = allHold(hook.conditions, {
        variables: { object: object ?? null, oldObject: oldObject ?? null, request: data },
        budget: { limit: CEL_MATCH_CONDITIONS_COST_MAX, spent: 0 },
        options: {
          authorizer: celAuthorizer(door(), request.user),
          requestResource: requestResource(request),
        },
      });
      if (verdict === false || (verdict !== true && hook.ignoresFailure)) return undefined;
      if (verdict !== true) throw forbidden(request, request.name, verdict.message);
    }
    return { hook, as, data, object, oldObject };
  }

  /**
   * What the webhook answers: its consent, with a patch perhaps; undefined: it could not be asked,
   * which counts as such. Throws its refusal.
   */
  async call(
    invocation: Invocation,
    request: AdmissionRequest,
  ): Promise<ReviewResponse | undefined> {
    const { hook } = invocation;
    refuseSideEffects(hook, request);
    let response: ReviewResponse;
    try {
      response = await this.#ask(invocation);
    } catch (error) {
      this.#failed(hook, error);
      return undefined;
    }
    for (const [key, value] of Object.entries(response.auditAnnotations)) {
      request.auditAnnotations[`${hook.name}/${key}`] = value;
    }
    addWarnings(request.warnings, response.warnings);
    if (!response.allowed) throw refusal(hook.name, response.status);
    return response;
  }

  /** Throws what a failed call comes to, unless it comes to nothing. */
  #failed(hook: Hook, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const text = `failed calling webhook ${JSON.stringify(hook.name)}: ${why}`;
    if (!hook.ignoresFailure) throw internalError(new Error(text, { cause: error }));
    this.#options.log.warn('A webhook cannot be called, and the request goes on without it', {
      webhook: hook.name,
      error: why,
    });
  }

  async #ask({ hook, data, object, oldObject }: Invocation): Promise<ReviewResponse> {
    const { client, random, mutates } = this.#options;
    const version = reviewVersion(hook);
    if (version === undefined) {
      const versions = (hook.webhook.admissionReviewVersions ?? []).join(' ');
      throw new Error(`could not create admission objects: no version of [${versions}] is known`);
    }
    const uid = random.uuid();
    const { clientConfig: config, timeoutSeconds = 10 } = hook.webhook;
    const body = reviewBody({ uid, data, object, oldObject }, version);
    const answer = await client
      .post({ config, body, timeoutMs: timeoutSeconds * 1_000 })
      .catch(prefixed('failed to call webhook'));
    try {
      return readReview(answer, { uid, version, mutates });
    } catch (error) {
      return prefixed('received invalid webhook response')(error);
    }
  }
}

/** Adds what a client should know, within upstream's bounds. */
export function addWarnings(warnings: string[], given: readonly string[]): void {
  let room = WARNINGS_LENGTH_MAX - warnings.reduce((sum, { length }) => sum + length, 0);
  for (const each of given) {
    const text = each.slice(0, WARNING_LENGTH_MAX);
    if (text.length > room) return;
    room -= text.length;
    if (!warnings.includes(text)) warnings.push(text);
  }
}

function refuseSideEffects({ name, webhook }: Hook, { dryRun }: AdmissionRequest): void {
  if (!dryRun || HARMLESS.has(webhook.sideEffects)) return;
  throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`);
}

/** What the webhook gives as its reason is the answer, but never a success. */
function refusal(name: string, given: Status | undefined): ApiError {
  const { message, reason, code = 0, details } = given ?? {};
  const why = message || reason;
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  return new ApiError({
    message: why ? `${denied}: ${why}` : `${denied} without explanation`,
    ...(reason && { reason }),
    ...(details && { details }),
    code: code >= 400 && code < 600 ? code : 400,
  });
}

function prefixed(text: string) {
  return (error: unknown): never => {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${text}: ${why}`, { cause: error });
  };
}

const HARMLESS: ReadonlySet<string> = new Set(['None', 'NoneOnDryRun']);
const WARNING_LENGTH_MAX = 256;
const WARNINGS_LENGTH_MAX = 4_096;
