import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../api/types-core-v1.ts';
import { type FieldPath, forbiddenValue, invalidValue, required } from '../field-path.ts';
import { nonNegative } from '../field-validation.ts';
import { nameFindings } from '../label-validation.ts';
import { httpHeaderNameErrors } from '../names.ts';
import type { FieldError } from '../status.ts';
import { validateChoice, validatePortOrName } from './choice.ts';

/** What a container's handlers run within. */
export interface HandlerContext {
  /** The pod's `terminationGracePeriodSeconds`. */
  readonly graceSeconds: number;
}

export function validateProbes(
  probes: { livenessProbe?: Probe; readinessProbe?: Probe; startupProbe?: Probe },
  path: FieldPath,
  context: HandlerContext,
): FieldError[] {
  const { livenessProbe, readinessProbe, startupProbe } = probes;
  const errors: FieldError[] = [];
  if (livenessProbe) {
    const at = path.child('livenessProbe');
    errors.push(...validateProbe(livenessProbe, at, context));
    errors.push(...validateSuccessOnce(livenessProbe, at));
  }
  if (readinessProbe) {
    const at = path.child('readinessProbe');
    const grace = readinessProbe.terminationGracePeriodSeconds;
    errors.push(...validateProbe(readinessProbe, at, context));
    if (grace !== undefined) {
      const why = 'must not be set for readinessProbes';
      errors.push(invalidValue(at.child('terminationGracePeriodSeconds'), grace, why));
    }
  }
  if (startupProbe) {
    const at = path.child('startupProbe');
    errors.push(...validateProbe(startupProbe, at, context));
    errors.push(...validateSuccessOnce(startupProbe, at));
  }
  return errors;
}

export function validateLifecycle(
  { postStart, preStop }: Lifecycle,
  path: FieldPath,
  context: HandlerContext,
): FieldError[] {
  return [
    ...(postStart ? validateHandler(postStart, path.child('postStart'), context) : []),
    ...(preStop ? validateHandler(preStop, path.child('preStop'), context) : []),
  ];
}

function validateProbe(probe: Probe, path: FieldPath, context: HandlerContext): FieldError[] {
  const errors = validateHandler(probe, path, context);
  for (const field of COUNTS) errors.push(...nonNegative(probe[field], path.child(field)));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    const at = path.child('terminationGracePeriodSeconds');
    errors.push(invalidValue(at, grace, 'must be greater than 0'));
  }
  return errors;
}

function validateSuccessOnce({ successThreshold }: Probe, path: FieldPath): FieldError[] {
  if (successThreshold === 1) return [];
  return [invalidValue(path.child('successThreshold'), successThreshold, 'must be 1')];
}

function validateHandler(
  handler: LifecycleHandler & Pick<Probe, 'grpc'>,
  path: FieldPath,
  context: HandlerContext,
): FieldError[] {
  const [first, ...others] = HANDLERS.filter(name => handler[name] !== undefined);
  if (!first) return [required(path, 'must specify a handler type')];
  return [
    ...validateAction(handler, path, context),
    ...others.map(name =>
      forbiddenValue(path.child(name), 'may not specify more than 1 handler type'),
    ),
  ];
}

/** Of the first handler; others are refused as they are. */
function validateAction(
  { exec, httpGet, tcpSocket, grpc, sleep }: LifecycleHandler & Pick<Probe, 'grpc'>,
  path: FieldPath,
  { graceSeconds }: HandlerContext,
): FieldError[] {
  if (exec) {
    const isEmpty = (exec.command ?? []).length === 0;
    return isEmpty ? [required(path.child('exec', 'command'))] : [];
  }
  if (httpGet) return validateHttpGet(httpGet, path.child('httpGet'));
  if (tcpSocket) return validatePortOrName(tcpSocket.port, path.child('tcpSocket', 'port'));
  if (grpc) return validatePortOrName(grpc.port, path.child('grpc', 'port'));
  if (!sleep || (sleep.seconds >= 0 && sleep.seconds <= graceSeconds)) return [];
  const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
  return [invalidValue(path.child('sleep'), sleep.seconds, why)];
}

function validateHttpGet(action: HTTPGetAction, path: FieldPath): FieldError[] {
  const { port, scheme, httpHeaders = [] } = action;
  return [
    ...(action.path ? [] : [required(path.child('path'))]),
    ...validatePortOrName(port, path.child('port')),
    ...validateChoice(scheme, ['HTTP', 'HTTPS'], path.child('scheme')),
    ...httpHeaders.flatMap(({ name = '' }) =>
      nameFindings(path.child('httpHeaders'), name, httpHeaderNameErrors(name)),
    ),
  ];
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;
const COUNTS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;
