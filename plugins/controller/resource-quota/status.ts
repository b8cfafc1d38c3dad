import {
  addQuantities,
  compareQuantities,
  formatUsage,
  isSameUsage,
  NO_QUANTITY,
  type ParsedQuantity,
  parseUsage,
  type ResourceQuota,
  type ResourceQuotaStatus,
  type Usage,
} from 'kernetes/sdk';

export interface NextStatus {
  /** Absent: as it is. */
  readonly status?: ResourceQuotaStatus;
  /** More is held back than was counted: to be looked at again. */
  readonly isHeld: boolean;
}

/**
 * The status that a quota should have. `counted` has the names that could be counted: of others what
 * was known stays. Of what was used before so much is kept as `recent` may still be to come.
 */
export function nextStatus(
  { spec, status = {} }: ResourceQuota,
  counted: Usage,
  recent: Usage,
): NextStatus {
  const hard = parseUsage(spec?.hard);
  const before = parseUsage(status.used);
  const used = new Map<string, ParsedQuantity>();
  let isHeld = false;
  for (const name of hard.keys()) {
    const [now, old] = [counted.get(name), before.get(name)];
    if (now === undefined) {
      if (old) used.set(name, old);
      continue;
    }
    const held = old && smaller(old, addQuantities(now, recent.get(name) ?? NO_QUANTITY));
    const isMore = held !== undefined && compareQuantities(held, now) > 0;
    used.set(name, isMore ? held : now);
    isHeld ||= isMore;
  }
  const isAsItWas =
    status.hard !== undefined &&
    isSameUsage(hard, parseUsage(status.hard)) &&
    isSameUsage(used, before);
  if (isAsItWas) return { isHeld };
  return { status: { hard: formatUsage(hard), used: formatUsage(used) }, isHeld };
}

function smaller(a: ParsedQuantity, b: ParsedQuantity): ParsedQuantity {
  return compareQuantities(a, b) < 0 ? a : b;
}
