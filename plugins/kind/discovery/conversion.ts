import type { discoveryV1, discoveryV1beta1, EndpointSlice } from 'kernetes/sdk';

/**
 * `v1beta1` had node and zone in the `topology` map; `v1` has a field for each and keeps the rest
 * of the map as `deprecatedTopology`. Both change their argument.
 */
export function fromV1beta1(slice: discoveryV1beta1.EndpointSlice): EndpointSlice {
  const converted = slice as EndpointSlice;
  if (slice.endpoints) converted.endpoints = slice.endpoints.map(newEndpoint);
  return converted;
}

export function toV1beta1(slice: EndpointSlice): discoveryV1beta1.EndpointSlice {
  const converted = slice as discoveryV1beta1.EndpointSlice;
  if (slice.endpoints) converted.endpoints = slice.endpoints.map(oldEndpoint);
  return converted;
}

const ZONE = 'topology.kubernetes.io/zone';
const HOSTNAME = 'kubernetes.io/hostname';

function newEndpoint(old: discoveryV1beta1.Endpoint): discoveryV1.Endpoint {
  const { topology, ...endpoint } = old;
  if (topology === undefined) return endpoint;
  const converted: discoveryV1.Endpoint = endpoint;
  const { [ZONE]: zone, [HOSTNAME]: hostname, ...rest } = topology;
  if (zone !== undefined) converted.zone = zone;
  // The old version could name two nodes; what differs from nodeName stays visible.
  if (hostname !== undefined && hostname !== endpoint.nodeName) rest[HOSTNAME] = hostname;
  if (Object.keys(rest).length > 0) converted.deprecatedTopology = rest;
  return converted;
}

function oldEndpoint(endpoint: discoveryV1.Endpoint): discoveryV1beta1.Endpoint {
  const { zone, deprecatedTopology, ...old } = endpoint;
  const { nodeName } = endpoint;
  const converted: discoveryV1beta1.Endpoint = old;
  if (zone === undefined && deprecatedTopology === undefined && nodeName === undefined) return old;
  converted.topology = { ...deprecatedTopology };
  if (zone !== undefined) converted.topology[ZONE] = zone;
  if (nodeName !== undefined) converted.topology[HOSTNAME] ??= nodeName;
  return converted;
}
