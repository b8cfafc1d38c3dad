import type { AuditAnnotations, AuditedRequest, AuditTrail, Clock, User } from 'kernetes/sdk';
import type { Decision, Stage } from './policy.ts';

export interface TrailOptions {
  readonly id: string;
  readonly decision: Decision;
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

/** One request's events. */
export class Trail implements AuditTrail {
  readonly id: string;
  readonly annotations: AuditAnnotations = {};
  readonly wantsRequest: boolean;
  readonly wantsResponse: boolean;
  readonly #request: AuditedRequest;
  readonly #options: TrailOptions;
  readonly #received: string;
  #requestObject: unknown;
  #responseObject: unknown;

  constructor(request: AuditedRequest, options: TrailOptions) {
    const { level } = options.decision;
    this.id = options.id;
    this.#request = request;
    this.#options = options;
    this.#received = this.#now();
    this.wantsRequest = level === 'Request' || level === 'RequestResponse';
    this.wantsResponse = level === 'RequestResponse';
    this.#tell('RequestReceived', {});
  }

  requestObject(object: unknown): void {
    // Whoever handles the request may go on with the object: the log has it as it came.
    this.#requestObject = JSON.parse(JSON.stringify(object) ?? 'null');
  }

  responseObject(json: Uint8Array): void {
    this.#responseObject = JSON.parse(Buffer.from(json).toString());
  }

  responseStarted(code: number): void {
    this.#tell('ResponseStarted', { responseStatus: { metadata: {}, code } });
  }

  complete(outcome: {
    readonly code: number;
    readonly status?: object;
    readonly panic: boolean;
  }): void {
    const { code, status, panic } = outcome;
    const { kind: _, apiVersion: __, ...told } = (status ?? {}) as Record<string, unknown>;
    const responseStatus = { metadata: {}, ...told, code };
    const objects = {
      ...(this.#requestObject !== undefined && { requestObject: this.#plain(this.#requestObject) }),
      ...(this.wantsResponse && this.#answer(status)),
    };
    const annotations = Object.keys(this.annotations).length > 0 && {
      annotations: this.annotations,
    };
    this.#tell(panic ? 'Panic' : 'ResponseComplete', { responseStatus, ...objects }, annotations);
  }

  /** A failure's Status is what its client got. */
  #answer(status: object | undefined): { responseObject?: unknown } {
    const object = this.#responseObject ?? status;
    return object === undefined ? {} : { responseObject: this.#plain(object) };
  }

  #plain(object: unknown): unknown {
    return this.#options.decision.omitManagedFields ? withoutManagedFields(object) : object;
  }

  #tell(stage: Stage, more: object, annotations: object | false = false): void {
    const { decision, write } = this.#options;
    if (decision.omits.has(stage)) return;
    const { requester, impersonated, requestUri, verb, sourceIps, userAgent } = this.#request;
    const event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: decision.level,
      auditID: this.id,
      stage,
      requestURI: requestUri,
      verb,
      user: userOf(requester),
      ...(impersonated && { impersonatedUser: userOf(impersonated) }),
      ...(sourceIps.length > 0 && { sourceIPs: sourceIps }),
      ...(userAgent && { userAgent: userAgent.slice(0, AGENT_LENGTH_MAX) }),
      ...objectRefOf(this.#request),
      ...more,
      requestReceivedTimestamp: this.#received,
      stageTimestamp: stage === 'RequestReceived' ? this.#received : this.#now(),
      ...annotations,
    };
    write(`${JSON.stringify(event)}\n`);
  }

  /** Of microseconds the clock tells thousands. */
  #now(): string {
    return `${new Date(this.#options.clock.now()).toISOString().slice(0, -1)}000Z`;
  }
}

function userOf({ name, uid, groups, extra }: User): object {
  return {
    ...(name && { username: name }),
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups }),
    ...(extra && { extra }),
  };
}

function objectRefOf({ target }: AuditedRequest): object | undefined {
  if (target === undefined) return undefined;
  const { group, version, resource, subresource, namespace, name } = target;
  const objectRef = {
    resource,
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(group && { apiGroup: group }),
    apiVersion: version,
    ...(subresource && { subresource }),
  };
  return { objectRef };
}

function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null) return object;
  const { metadata, items } = object as { readonly metadata?: unknown; readonly items?: unknown };
  const copy: Record<string, unknown> = { ...object };
  if (typeof metadata === 'object' && metadata !== null && 'managedFields' in metadata) {
    const { managedFields: _, ...rest } = metadata;
    copy.metadata = rest;
  }
  if (Array.isArray(items)) copy.items = items.map(withoutManagedFields);
  return copy;
}

/** Upstream's bound. */
const AGENT_LENGTH_MAX = 1_024;
