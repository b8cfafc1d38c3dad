import {
  type Container,
  formatQuantity,
  type Pod,
  type StringMap,
  sumContainers,
} from 'kernetes/sdk';

/** What a pod asks for as a whole, by resource. */
export function podRequests(pod: Pod): StringMap {
  return total(pod, ({ resources }) => resources?.requests);
}

export function podLimits(pod: Pod): StringMap {
  return total(pod, ({ resources }) => resources?.limits);
}

function total(pod: Pod, of: (container: Container) => Readonly<StringMap> | undefined): StringMap {
  const sums = sumContainers(pod, of);
  return Object.fromEntries([...sums].map(([name, value]) => [name, formatQuantity(value)]));
}
