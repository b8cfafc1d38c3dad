import { isDeepStrictEqual } from 'node:util';
import {
  type CertificateSigningRequest,
  type CertificateSigningRequestCondition,
  duplicate,
  type FieldError,
  fieldPath,
  forbiddenValue,
  invalidValue,
  notSupported,
  required,
  type StrategyContext,
  toTime,
} from 'kernetes/sdk';

type Condition = CertificateSigningRequestCondition;

const CONDITIONS = fieldPath('status', 'conditions');

export function conditionsOf(
  { status }: CertificateSigningRequest,
  type: string,
): readonly Condition[] {
  return (status?.conditions ?? []).filter(condition => condition.type === type);
}

/** Dates what has no date. */
export function withTimes(
  conditions: readonly Condition[] | undefined,
  old: readonly Condition[] = [],
  now: number,
): Condition[] | undefined {
  return conditions?.map(condition => {
    const { type, status } = condition;
    const same = old.find(each => each.type === type && each.status === status);
    const { lastUpdateTime, lastTransitionTime } = condition;
    return {
      ...condition,
      lastUpdateTime: lastUpdateTime ?? toTime(now),
      lastTransitionTime: lastTransitionTime ?? same?.lastTransitionTime ?? toTime(now),
    };
  });
}

/**
 * A status leaves Approved and Denied as they are. In v1beta1 one that has more or fewer of them
 * is taken without its conditions; later it is refused by validation.
 */
export function keepApproval(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { version }: Pick<StrategyContext, 'version'>,
): void {
  const { conditions } = request.status ?? {};
  const isSame = APPROVALS.every(
    type => conditionsOf(request, type).length === conditionsOf(old, type).length,
  );
  if (!isSame) {
    if (version !== 'v1beta1') return;
    request.status = { ...request.status };
    delete request.status.conditions;
    const kept = old.status?.conditions;
    if (kept !== undefined) request.status.conditions = structuredClone(kept);
    return;
  }
  const kept = new Map(APPROVALS.map(type => [type, [...conditionsOf(old, type)]]));
  conditions?.forEach((condition, i) => {
    conditions[i] = structuredClone(kept.get(condition.type)?.shift() ?? condition);
  });
}

/** `lenient`: what v1beta1 let through. */
export function validateConditions(
  conditions: readonly Condition[] = [],
  lenient: boolean,
): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap((condition, i) => {
    const errors = validateCondition(condition, i, lenient ? undefined : seen);
    seen.add(condition.type);
    return errors;
  });
}

/** `seen`: the types before it; undefined where they do not matter. */
function validateCondition(
  { type = '', status }: Condition,
  i: number,
  seen: ReadonlySet<string> | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const path = CONDITIONS.index(i);
  if (type === '' && seen) errors.push(required(path.child('type')));
  const allowed = DECISIONS.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
  if (!status) errors.push(required(path.child('status')));
  else if (!allowed.includes(status)) {
    errors.push(notSupported(path.child('status'), status, allowed));
  }
  const opposite = OPPOSITES[type];
  if (opposite !== undefined && seen?.has(opposite)) {
    const detail = 'Approved and Denied conditions are mutually exclusive';
    errors.push(invalidValue(path.child('type'), type, detail));
  }
  if (seen?.has(type)) errors.push(duplicate(path.child('type'), type));
  return errors;
}

/** What was decided stays decided. */
export function validateKept(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
): FieldError[] {
  return DECISIONS.filter(
    type => conditionsOf(request, type).length < conditionsOf(old, type).length,
  ).map(type => forbiddenValue(CONDITIONS, `updates may not remove a condition of type "${type}"`));
}

/** Who may set a status may not approve. */
export function validateNotApproved(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
): FieldError[] {
  return APPROVALS.flatMap(type => {
    const now = conditionsOf(request, type);
    const before = conditionsOf(old, type);
    if (now.length < before.length || isDeepStrictEqual(now, before)) return [];
    const verb = now.length > before.length ? 'add' : 'modify';
    return [forbiddenValue(CONDITIONS, `updates may not ${verb} a condition of type "${type}"`)];
  });
}

const APPROVALS = ['Approved', 'Denied'];
const DECISIONS = [...APPROVALS, 'Failed'];
const OPPOSITES: Readonly<Record<string, string>> = { Approved: 'Denied', Denied: 'Approved' };
