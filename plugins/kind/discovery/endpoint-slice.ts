import { isDeepStrictEqual } from 'node:util';
import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  defineVersion,
  type discoveryV1beta1,
  type EndpointSlice,
  type KubeObject,
  NAME_COLUMN,
  type StrategyContext,
  type TableCell,
} from 'kernetes/sdk';
import { fromV1beta1, toV1beta1 } from './conversion.ts';
import { validateEndpointSlice, validateEndpointSliceUpdate } from './validation.ts';

const GROUP = 'discovery.k8s.io';
const COLUMNS = [
  NAME_COLUMN,
  column('AddressType'),
  column('Ports'),
  column('Endpoints'),
  AGE_COLUMN,
];

/** Either version, seen as what they share. */
type AnySlice = EndpointSlice | discoveryV1beta1.EndpointSlice;

export const endpointSlices = defineKind<AnySlice>({
  group: GROUP,
  kind: 'EndpointSlice',
  resource: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  storage: { prefix: 'registry/endpointslices', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema(GROUP, 'v1', 'EndpointSlice'),
      defaults: defaultPorts,
      columns: COLUMNS,
      row: endpointSliceRow,
      releases: { since: 21 },
    },
    defineVersion<discoveryV1beta1.EndpointSlice>({
      name: 'v1beta1',
      schema: builtInSchema(GROUP, 'v1beta1', 'EndpointSlice'),
      defaults: defaultPorts,
      toStorage: fromV1beta1,
      fromStorage: object => toV1beta1(object as KubeObject as EndpointSlice),
      columns: COLUMNS,
      row: endpointSliceRow,
      releases: { until: 24 },
      deprecation:
        'discovery.k8s.io/v1beta1 EndpointSlice is deprecated in v1.21+, unavailable in v1.25+; ' +
        'use discovery.k8s.io/v1 EndpointSlice',
    }),
  ],
  strategy: {
    prepareCreate: (slice, context) => {
      slice.metadata.generation = 1;
      dropTopology(slice, context);
    },
    prepareUpdate: (slice, old, context) => {
      if (!isDeepStrictEqual(slice.endpoints, old.endpoints)) dropTopology(slice, context);
      raiseGeneration(slice, old);
    },
    validate: slice => validateEndpointSlice(current(slice)),
    validateUpdate: validateEndpointSliceUpdate,
  },
});

/** The slice as the storage version has it; the argument stays as it is. */
function current(slice: AnySlice): EndpointSlice {
  if (!slice.apiVersion?.endsWith('/v1beta1')) return slice as EndpointSlice;
  return fromV1beta1(structuredClone(slice) as discoveryV1beta1.EndpointSlice);
}

function defaultPorts({ ports }: AnySlice): void {
  for (const port of ports ?? []) {
    port.name ??= '';
    port.protocol ??= 'TCP';
  }
}

/** In `v1` the map is only there to be read: what old clients wrote. */
function dropTopology(slice: AnySlice, { version }: StrategyContext): void {
  if (version === 'v1beta1') return;
  for (const endpoint of (slice as EndpointSlice).endpoints ?? []) {
    delete endpoint.deprecatedTopology;
  }
}

/** It has no `spec`: everything but metadata counts, and labels, which say whose endpoints it has. */
function raiseGeneration(slice: AnySlice, old: AnySlice): void {
  const { metadata, ...rest } = slice;
  const { metadata: oldMetadata, ...oldRest } = old;
  const same = isDeepStrictEqual(rest, oldRest);
  if (same && isDeepStrictEqual(metadata.labels ?? {}, oldMetadata.labels ?? {})) return;
  metadata.generation = (oldMetadata.generation ?? 0) + 1;
}

export function endpointSliceRow(slice: AnySlice, now: number): TableCell[] {
  const { metadata, addressType, endpoints = [], ports = [] } = slice;
  return [
    metadata.name ?? '',
    addressType ?? '',
    shorten(ports.map(({ port, name }) => String(port ?? name ?? '*'))),
    shorten(endpoints.flatMap(({ addresses }) => addresses ?? [])),
    ageCell(slice, now),
  ];
}

const SHOWN_MAX = 3;

function shorten(texts: readonly string[]): string {
  const shown = texts.slice(0, SHOWN_MAX).join(',');
  const more = texts.length - SHOWN_MAX;
  return more > 0 ? `${shown} + ${more} more...` : shown || '<unset>';
}
