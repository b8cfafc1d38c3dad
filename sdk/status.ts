import type { Status, StatusCause } from './api/types-meta-v1.ts';

/**
 * A failure as the Kubernetes API tells it: thrown by the door and by every object request, and
 * sent to HTTP clients as it is. Carries a `metav1.Status`; `reason` and `code` are what programs
 * should look at. Source: apimachinery's `api/errors`.
 */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: Status;

  constructor(status: Omit<Status, 'kind' | 'apiVersion' | 'status'>) {
    super(status.message ?? status.reason ?? 'Unknown');
    this.status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...status };
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }

  /** Whether `error` is an `ApiError`, of this reason if one is given. */
  static is(error: unknown, reason?: StatusReason): error is ApiError {
    return error instanceof ApiError && (reason === undefined || error.reason === reason);
  }
}

/** For `catch`: what a read gives of an object that is not there. Throws everything else again. */
export function undefinedIfNotFound(error: unknown): undefined {
  if (!ApiError.is(error, 'NotFound')) throw error;
}

/** The reasons that the API server uses. */
export type StatusReason =
  | 'AlreadyExists'
  | 'BadRequest'
  | 'Conflict'
  | 'Expired'
  | 'Forbidden'
  | 'Gone'
  | 'InternalError'
  | 'Invalid'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'NotFound'
  | 'RequestEntityTooLarge'
  | 'ServerTimeout'
  | 'ServiceUnavailable'
  | 'Timeout'
  | 'TooManyRequests'
  | 'Unauthorized'
  | 'UnsupportedMediaType';

/** What an error is about: the resource's group and plural (or, for `Invalid`, the kind). */
export interface ErrorSubject {
  readonly group: string;
  readonly resource: string;
}

/** One finding of validation; becomes a `StatusCause` of an `Invalid` error. */
export interface FieldError {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueNotFound'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
  /** `spec.containers[0].name` */
  readonly field: string;
  /** `Invalid value: "x": must be ...`; starts with the reason's words, as upstream. */
  readonly message: string;
}

/** The plural with its group as error texts show it: `deployments.apps`, `pods`. */
export function qualified({ group, resource }: ErrorSubject): string {
  return group ? `${resource}.${group}` : resource;
}

function details(subject: ErrorSubject, name: string) {
  return { name, ...(subject.group && { group: subject.group }), kind: subject.resource };
}

export function notFound(subject: ErrorSubject, name: string): ApiError {
  return new ApiError({
    message: `${qualified(subject)} "${name}" not found`,
    reason: 'NotFound',
    details: details(subject, name),
    code: 404,
  });
}

export function alreadyExists(subject: ErrorSubject, name: string): ApiError {
  return new ApiError({
    message: `${qualified(subject)} "${name}" already exists`,
    reason: 'AlreadyExists',
    details: details(subject, name),
    code: 409,
  });
}

export function conflict(subject: ErrorSubject, name: string, why = OBJECT_MODIFIED): ApiError {
  return new ApiError({
    message: `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${why}`,
    reason: 'Conflict',
    details: details(subject, name),
    code: 409,
  });
}

export function forbidden(subject: ErrorSubject, name: string, why: string): ApiError {
  const what = name ? `${qualified(subject)} "${name}"` : qualified(subject);
  return new ApiError({
    message: `${what} is forbidden: ${why}`,
    reason: 'Forbidden',
    details: details(subject, name),
    code: 403,
  });
}

/** Several errors as Go prints them: one alone, more in brackets, none of them twice. */
export function joinErrors(errors: readonly string[]): string {
  const texts = [...new Set(errors)];
  return texts.length > 1 ? `[${texts.join(', ')}]` : texts.join('');
}

/** `kind` in the subject's place of the plural: upstream names the kind here. */
export function invalid(
  kind: { group: string; kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const texts = errors.map(error => `${error.field}: ${error.message}`);
  const what = kind.group ? `${kind.kind}.${kind.group}` : kind.kind;
  return new ApiError({
    message: `${what} "${name}" is invalid: ${joinErrors(texts)}`,
    reason: 'Invalid',
    details: {
      ...(name && { name }),
      ...(kind.group && { group: kind.group }),
      kind: kind.kind,
      causes: errors.map((error): StatusCause => ({ ...error })),
    },
    code: 422,
  });
}

export function badRequest(message: string): ApiError {
  return new ApiError({ message, reason: 'BadRequest', code: 400 });
}

export function unauthorized(): ApiError {
  return new ApiError({ message: 'Unauthorized', reason: 'Unauthorized', code: 401 });
}

export function methodNotAllowed(): ApiError {
  return new ApiError({
    message: 'the server does not allow this method on the requested resource',
    reason: 'MethodNotAllowed',
    details: {},
    code: 405,
  });
}

/** The path names no resource that is served. */
export function unknownResource(): ApiError {
  return new ApiError({
    message: 'the server could not find the requested resource',
    reason: 'NotFound',
    details: {},
    code: 404,
  });
}

/** A list or watch asked for a revision, or brought a continue token, that is forgotten. */
export function expired(message: string): ApiError {
  return new ApiError({ message, reason: 'Expired', code: 410 });
}

export function resourceVersionTooLarge(wanted: number, current: number): ApiError {
  const message = 'Too large resource version';
  return new ApiError({
    message: `Timeout: ${message}: ${wanted}, current: ${current}`,
    reason: 'Timeout',
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message }], retryAfterSeconds: 1 },
    code: 504,
  });
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError({
    message:
      'the body of the request was in an unknown format - accepted media types include: ' +
      accepted.join(', '),
    reason: 'UnsupportedMediaType',
    code: 415,
  });
}

/** The client is told, in a header too, when to come again. */
export function tooManyRequests(
  message: string,
  retryAfterSeconds: number,
  causes: readonly StatusCause[] = [],
): ApiError {
  const details = { retryAfterSeconds, ...(causes.length > 0 && { causes: [...causes] }) };
  return new ApiError({ message, reason: 'TooManyRequests', details, code: 429 });
}

export function serviceUnavailable(message: string): ApiError {
  return new ApiError({ message, reason: 'ServiceUnavailable', code: 503 });
}

/** Something broke on our side; the cause is logged, the client sees only the text. */
export function internalError(cause: unknown): ApiError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const error = new ApiError({
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  });
  error.cause = cause;
  return error;
}

const OBJECT_MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';
