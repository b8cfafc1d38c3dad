import {
  compareQuantities,
  formatQuantity,
  type LimitRangeItem,
  parseQuantity,
  quantityMilliValue,
  type StringMap,
} from 'kernetes/sdk';

/** One bound of a LimitRange. */
export interface Constraint {
  /** `Container`, `Pod`, `PersistentVolumeClaim`: texts name it. */
  readonly type: string;
  readonly resource: string;
  readonly enforced: string;
}

export interface Asked {
  readonly requests: Readonly<StringMap>;
  readonly limits: Readonly<StringMap>;
}

type Check = (constraint: Constraint, asked: Asked) => string | undefined;

/** What is wrong with requests and limits, by all bounds of an item. */
export function findingsOf(item: LimitRangeItem, asked: Asked): string[] {
  const { type, min = {}, max = {}, maxLimitRequestRatio = {} } = item;
  const run = (bounds: Readonly<StringMap>, check: Check) =>
    Object.keys(bounds)
      .sort()
      .flatMap(
        resource => check({ type, resource, enforced: bounds[resource] ?? '' }, asked) ?? [],
      );
  return [
    ...run(min, minFinding),
    ...run(max, maxFinding),
    ...run(maxLimitRequestRatio, ratioFinding),
  ];
}

export function minFinding(constraint: Constraint, asked: Asked): string | undefined {
  const { request, limit, head, enforced } = look('minimum', constraint, asked);
  if (request === undefined) return `${head}.  No request is specified`;
  if (isBelow(request, enforced)) return `${head}, but request is ${shown(request)}`;
  if (limit !== undefined && isBelow(limit, enforced))
    return `${head}, but limit is ${shown(limit)}`;
  return undefined;
}

export function maxFinding(constraint: Constraint, asked: Asked): string | undefined {
  const { request, limit, head, enforced } = look('maximum', constraint, asked);
  if (limit === undefined) return `${head}.  No limit is specified`;
  if (isBelow(enforced, limit)) return `${head}, but limit is ${shown(limit)}`;
  if (request !== undefined && isBelow(enforced, request)) {
    return `${head}, but request is ${shown(request)}`;
  }
  return undefined;
}

/** A maximum of what has requests alone. */
export function maxRequestFinding(constraint: Constraint, asked: Asked): string | undefined {
  const { request, head, enforced } = look('maximum', constraint, asked);
  if (request === undefined) return `${head}.  No request is specified`;
  return isBelow(enforced, request) ? `${head}, but request is ${shown(request)}` : undefined;
}

function ratioFinding({ type, resource, enforced }: Constraint, asked: Asked): string | undefined {
  const head = `${resource} max limit to request ratio per ${type} is ${shown(enforced)}`;
  const request = quantityMilliValue(asked.requests[resource] ?? '0');
  const limit = quantityMilliValue(asked.limits[resource] ?? '0');
  if (request === 0) return `${head}, but no request is specified or request is 0`;
  if (limit === 0) return `${head}, but no limit is specified or limit is 0`;
  const ratio = limit / request;
  if (ratio * 1000 <= quantityMilliValue(enforced)) return undefined;
  return `${head}, but provided ratio is ${ratio.toFixed(6)}`;
}

function look(what: string, { type, resource, enforced }: Constraint, { requests, limits }: Asked) {
  return {
    request: requests[resource],
    limit: limits[resource],
    enforced,
    head: `${what} ${resource} usage per ${type} is ${shown(enforced)}`,
  };
}

function isBelow(a: string, b: string): boolean {
  return compareQuantities(parseQuantity(a), parseQuantity(b)) < 0;
}

function shown(quantity: string): string {
  return formatQuantity(parseQuantity(quantity));
}
