import type { ContainerPort, NodeInfo } from 'kernetes/sdk';

/** Whether a pod on the node takes one of these ports already. */
export function isTaken(wanted: readonly ContainerPort[], { pods }: NodeInfo): boolean {
  for (let i = 0; i < pods.length; i++) {
    const taken = pods[i]?.hostPorts;
    // Nearly all pods take none.
    if (taken && taken.length > 0 && overlap(wanted, taken)) return true;
  }
  return false;
}

export function overlap(a: readonly ContainerPort[], b: readonly ContainerPort[]): boolean {
  return a.some(one => b.some(other => areOne(one, other)));
}

/** Ports of equal number and protocol are one where the addresses meet: any meets every other. */
function areOne(a: ContainerPort, b: ContainerPort): boolean {
  if (a.hostPort !== b.hostPort || (a.protocol || 'TCP') !== (b.protocol || 'TCP')) return false;
  const address = a.hostIP || ANY;
  const other = b.hostIP || ANY;
  return address === other || address === ANY || other === ANY;
}

const ANY = '0.0.0.0';
