import { definePoint } from './extension.ts';

/**
 * Addresses that no socket of this machine reaches: those of simulated pods, and of nodes whose
 * kubelet is a plugin. Who would open a connection (the API server's proxy, an ingress) asks each
 * network first, and opens a real one where none knows the address.
 */
export interface ClusterNetwork {
  /** Cheap: asked before each connection. */
  find(address: NetworkAddress): NetworkFinding | Promise<NetworkFinding>;
  /** One exchange with what was found to listen. */
  request(request: NetworkRequest): NetworkAnswer | Promise<NetworkAnswer>;
}

export const clusterNetworkPoint = definePoint<ClusterNetwork>({
  name: 'clusterNetwork',
  combine: 'first-claim',
  methods: ['find', 'request'],
});

export interface NetworkAddress {
  readonly ip: string;
  readonly port: number;
}

/**
 * `http`, `https`: what is spoken there. `unknown`: the address is none of this network. `refused`:
 * it is, and nothing listens on the port (any more).
 */
export type NetworkFinding = 'http' | 'https' | 'refused' | 'unknown';

export interface NetworkRequest extends NetworkAddress {
  readonly method: string;
  /** With its query, as it was encoded. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: NetworkHeaders;
  readonly body: Uint8Array;
}

export interface NetworkAnswer {
  readonly status: number;
  readonly headers: NetworkHeaders;
  readonly body: Uint8Array;
}

export type NetworkHeaders = Readonly<Record<string, string | readonly string[]>>;
