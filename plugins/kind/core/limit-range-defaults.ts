import type { LimitRangeItem } from 'kernetes/sdk';

/**
 * A container's limit that is not said is its maximum, its request the limit, or else the
 * minimum.
 */
export function defaultLimitItem(item: LimitRangeItem): void {
  if (item.type !== 'Container') return;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}
