import { ApiError } from '../../sdk/status.ts';
import { PoolLimits } from './limits.ts';
import type { WireError } from './wire.ts';

/** Anything thrown, as plain data within bounds. Looks at nothing that could run code twice. */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: cut(asText(error)) };
  const code = (error as { code?: unknown }).code;
  return {
    name: asText(error.name).slice(0, PoolLimits.textLengthMax),
    message: cut(asText(error.message)),
    stack: cut(withCauses(error)),
    ...(typeof code === 'string' && { code: code.slice(0, PoolLimits.textLengthMax) }),
    ...(error instanceof ApiError && { status: error.status }),
  };
}

export function fromWireError(wire: WireError): Error {
  const error = wire.status ? new ApiError(wire.status) : new Error(wire.message);
  if (!wire.status) error.name = wire.name;
  if (wire.stack !== undefined) error.stack = wire.stack;
  if (wire.code !== undefined && !wire.status) Object.assign(error, { code: wire.code });
  return error;
}

function withCauses(error: Error): string {
  let text = asText(error.stack ?? error.message);
  let cause = error.cause;
  for (let depth = 0; cause instanceof Error && depth < CAUSES_MAX; depth++) {
    text += `\nCause: ${asText(cause.stack ?? cause.message)}`;
    cause = cause.cause;
  }
  return text;
}

/** An object's `toString` may throw; then it has no text. */
function asText(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

function cut(text: string): string {
  return text.length <= PoolLimits.logLengthMax ? text : text.slice(0, PoolLimits.logLengthMax);
}

const CAUSES_MAX = 5;
