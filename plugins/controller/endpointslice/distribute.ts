import { isDeepStrictEqual } from 'node:util';
import type { EndpointSlice } from 'kernetes/sdk';
import type { Endpoint } from './endpoint.ts';

/** How endpoints are to lie in slices. */
export interface Distribution {
  /** What slices that exist should have, where that is not what they have. */
  readonly changed: ReadonlyMap<EndpointSlice, readonly Endpoint[]>;
  /** Slices that nothing is left for. */
  readonly empty: readonly EndpointSlice[];
  /** The endpoints of slices to be made. */
  readonly chunks: readonly (readonly Endpoint[])[];
}

/**
 * Changes few slices: an endpoint stays where it is; one that is new goes into a slice that must be
 * written anyway, then into the fullest that has room, then into new ones.
 */
export function distribute(
  wanted: readonly Endpoint[],
  slices: readonly EndpointSlice[],
  endpointsMax = 100,
): Distribution {
  const left = new Map(wanted.map(endpoint => [identity(endpoint), endpoint]));
  const contents = slices.map(slice => ({ slice, endpoints: keep(slice, left) }));
  const isTouched = ({ slice, endpoints }: (typeof contents)[number]) =>
    !isDeepStrictEqual(endpoints, slice.endpoints ?? []);
  const touched = contents.filter(isTouched);
  const fullest = contents
    .filter(each => !touched.includes(each))
    .sort((a, b) => b.endpoints.length - a.endpoints.length);
  const added = [...left.values()];
  for (const { endpoints } of [...touched, ...fullest]) {
    endpoints.push(...added.splice(0, Math.max(0, endpointsMax - endpoints.length)));
  }
  const chunks: Endpoint[][] = [];
  while (added.length > 0) chunks.push(added.splice(0, endpointsMax));
  // One slice always stays, to say that there are no endpoints.
  if (wanted.length === 0 && slices.length === 0) chunks.push([]);
  const empty = contents
    .filter(({ endpoints }) => endpoints.length === 0)
    .map(({ slice }) => slice);
  if (wanted.length === 0) empty.shift();
  return {
    changed: new Map(contents.filter(isTouched).map(each => [each.slice, each.endpoints])),
    empty,
    chunks,
  };
}

/** What stays in the slice, as it should now be; taken out of `left`. */
function keep(slice: EndpointSlice, left: Map<string, Endpoint>): Endpoint[] {
  const kept: Endpoint[] = [];
  for (const endpoint of slice.endpoints ?? []) {
    const key = identity(endpoint);
    const wanted = left.get(key);
    if (!wanted) continue;
    kept.push(wanted);
    left.delete(key);
  }
  return kept;
}

/** A pod whose address changes is another endpoint. */
export function identity({ targetRef, addresses }: Endpoint): string {
  return `${targetRef?.uid} ${addresses.join()}`;
}
