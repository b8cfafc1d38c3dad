import {
  compareQuantities,
  type Pod,
  parseQuantity,
  quantityMilliValue,
  type ResourceRequirements,
} from 'kernetes/sdk';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/**
 * Guaranteed: every container gets exactly the processor and memory it asks for. BestEffort: none
 * asks for any.
 */
export function qosClassOf({ spec }: Pod): QosClass {
  const own = spec?.resources;
  const all = own
    ? [own]
    : [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(
        ({ resources = {} }) => resources,
      );
  if (!all.some(asksForAny)) return 'BestEffort';
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function asksForAny({ requests = {}, limits = {} }: ResourceRequirements): boolean {
  return COMPUTE.some(name => isPositive(requests[name]) || isPositive(limits[name]));
}

function isGuaranteed({ requests = {}, limits = {} }: ResourceRequirements): boolean {
  return COMPUTE.every(name => {
    const [request, limit] = [requests[name], limits[name]];
    if (!isPositive(limit)) return false;
    if (!isPositive(request)) return true;
    return (
      request === limit || compareQuantities(parseQuantity(request), parseQuantity(limit)) === 0
    );
  });
}

function isPositive(quantity: string | undefined): quantity is string {
  return quantity !== undefined && quantityMilliValue(quantity) > 0;
}

const COMPUTE = ['cpu', 'memory'];
