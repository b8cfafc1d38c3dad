import { isDeepStrictEqual } from 'node:util';
import { controllerOf, type EndpointSlice, type Service } from 'kernetes/sdk';
import { distribute, identity } from './distribute.ts';
import type { Endpoint, List } from './endpoint.ts';
import { hasLabels, newSlice, withLabels } from './labels.ts';

/** A slice as it is going to be. */
export interface Draft {
  /** As it is; absent: it is to be made. */
  readonly slice?: EndpointSlice;
  readonly list: Pick<List, 'addressType' | 'ports'>;
  readonly endpoints: readonly Endpoint[];
}

export interface Plan {
  readonly creates: readonly EndpointSlice[];
  readonly updates: readonly EndpointSlice[];
  readonly deletes: readonly EndpointSlice[];
}

export interface PlanOptions {
  readonly endpointsMax: number;
  /** Gives the endpoints of one family their hints; absent: they have those that they need. */
  readonly hint?: (drafts: readonly Draft[]) => readonly Draft[];
  /** When that happened which the writes are an answer to. */
  readonly triggerTime: string | undefined;
}

/** What is to be written so that the Service has these lists, whatever slices it has. */
export function planSlices(
  service: Service,
  { slices, lists }: { readonly slices: readonly EndpointSlice[]; readonly lists: readonly List[] },
  { endpointsMax, hint, triggerTime }: PlanOptions,
): Plan {
  const owned = slices.filter(slice => isOwned(slice, service));
  const drafts = [...new Set(lists.map(list => list.addressType))].flatMap(addressType => {
    const family = lists
      .filter(list => list.addressType === addressType)
      .map(list => (hint ? withKnownHints(list, owned) : list))
      .flatMap(list => draftsOf(list, owned, endpointsMax));
    return hint?.(family) ?? family;
  });
  const wanted = new Set(drafts.map(({ slice }) => slice));
  const surplus = slices.filter(slice => !wanted.has(slice));
  const final = reuse(
    drafts,
    surplus.filter(slice => owned.includes(slice)),
  );
  const used = new Set(final.map(({ slice }) => slice));
  const written = final
    .filter(draft => !isUnchanged(draft) || !hasLabels(service, draft.slice))
    .map(draft => withTriggerTime(sliceFrom(service, draft), triggerTime));
  return {
    creates: written.filter(({ metadata }) => !metadata.name),
    updates: written.filter(({ metadata }) => metadata.name),
    deletes: surplus.filter(slice => !used.has(slice)),
  };
}

/** It says what is stored. */
export function isUnchanged(draft: Draft): draft is Draft & { readonly slice: EndpointSlice } {
  const { slice, list, endpoints } = draft;
  if (slice === undefined || !isOf(slice, list)) return false;
  return isDeepStrictEqual(endpoints, slice.endpoints ?? []);
}

/** Where hints are given to many together, those that there are stay while they can. */
function withKnownHints(list: List, slices: readonly EndpointSlice[]): List {
  const stored = slices
    .filter(slice => isOf(slice, list))
    .flatMap(({ endpoints = [] }) => endpoints);
  const known = new Map(stored.map(endpoint => [identity(endpoint), endpoint.hints]));
  const endpoints = list.endpoints.map(endpoint => {
    const hints = endpoint.conditions?.ready ? known.get(identity(endpoint)) : undefined;
    return hints ? { ...endpoint, hints } : endpoint;
  });
  return { ...list, endpoints };
}

function draftsOf(list: List, owned: readonly EndpointSlice[], endpointsMax: number): Draft[] {
  const { addressType, ports, endpoints: wanted } = list;
  const existing = owned.filter(slice => isOf(slice, list));
  const { changed, empty, chunks } = distribute(wanted, existing, endpointsMax);
  const kept = existing
    .filter(slice => !empty.includes(slice))
    .map(slice => ({ slice, endpoints: changed.get(slice) ?? slice.endpoints ?? [] }));
  const made = chunks.map(endpoints => ({ endpoints }));
  return [...kept, ...made].map(draft => ({ ...draft, list: { addressType, ports } }));
}

/** What would be deleted is given to what would be made. */
function reuse(drafts: readonly Draft[], surplus: readonly EndpointSlice[]): Draft[] {
  const left = [...surplus];
  return drafts.map(draft => {
    if (draft.slice) return draft;
    const i = left.findIndex(({ addressType }) => addressType === draft.list.addressType);
    const [slice] = i < 0 ? [] : left.splice(i, 1);
    return slice ? { ...draft, slice } : draft;
  });
}

function sliceFrom(service: Service, { slice, list, endpoints }: Draft): EndpointSlice {
  const contents = { ...list, endpoints: [...endpoints] };
  if (!slice) return newSlice(service, contents);
  return { ...withLabels(service, slice), ...contents };
}

function withTriggerTime(slice: EndpointSlice, time: string | undefined): EndpointSlice {
  const { [TRIGGER_TIME]: _, ...others } = slice.metadata.annotations ?? {};
  const annotations = { ...others, ...(time && { [TRIGGER_TIME]: time }) };
  return { ...slice, metadata: { ...slice.metadata, annotations } };
}

/** One may be left of an older Service of the same name. */
function isOwned(slice: EndpointSlice, { metadata }: Service): boolean {
  return controllerOf(slice)?.uid === metadata.uid;
}

function isOf(
  slice: EndpointSlice,
  { addressType, ports }: Pick<EndpointSlice, 'addressType' | 'ports'>,
): boolean {
  const same = JSON.stringify(portsKey(slice.ports)) === JSON.stringify(portsKey(ports));
  return slice.addressType === addressType && same;
}

/** In one order of fields, whoever wrote them. */
function portsKey(ports: EndpointSlice['ports'] = []): unknown[] {
  return ports.map(({ name = '', port, protocol, appProtocol }) => [
    name,
    port,
    protocol,
    appProtocol,
  ]);
}

const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
