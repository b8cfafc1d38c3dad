import type { Endpoint } from './endpoint.ts';
import { type Draft, isUnchanged } from './plan.ts';
import type { Shares } from './zones.ts';

/**
 * Topology-aware routing as upstream does it: each zone is to have as many endpoints as it has of
 * the cluster's processors. Every ready endpoint is for its own zone at first; then zones that
 * have too many give to those that have too few. Slices that would be written for nothing else
 * keep their hints as long as no zone has more of them than it may. Where a zone cannot be given
 * its due without an overload of its endpoints, nobody is given hints.
 */
export type Hinted =
  | { readonly drafts: readonly Draft[]; readonly problem?: undefined }
  /** They have no hints then. */
  | { readonly drafts: readonly Draft[]; readonly problem: string };

/** The slices of one family. */
export function hintZones(drafts: readonly Draft[], shares: Shares | undefined): Hinted {
  const refuse = (problem: string) => ({ drafts: drafts.map(withoutHints), problem });
  if (shares === undefined) return refuse(INSUFFICIENT_NODES);
  const ready = drafts.flatMap(({ endpoints }) => endpoints.filter(isReady)).length;
  const allocations = allocate(ready, shares);
  if (typeof allocations === 'string') return refuse(allocations);
  const counts = new Map<string, number>();
  const kept = new Set(
    drafts.filter(draft => isUnchanged(draft) && keep(draft, counts, allocations)),
  );
  const given = drafts.filter(draft => !kept.has(draft)).flatMap(({ endpoints }) => endpoints);
  if (given.some(endpoint => isReady(endpoint) && !endpoint.zone)) return refuse(NO_ZONE);
  const hints = share(given.filter(isReady), counts, allocations);
  return {
    drafts: drafts.map(draft => (kept.has(draft) ? draft : withHints(draft, hints))),
  };
}

interface Allocation {
  readonly desired: number;
  readonly maximum: number;
}

type Allocations = ReadonlyMap<string, Allocation>;

/** How many endpoints each zone should have, or why that cannot be. */
function allocate(count: number, shares: Shares): Allocations | string {
  const what = `(${count} endpoints, ${shares.size} zones)`;
  if (shares.size > count) return `Insufficient number of endpoints ${what}`;
  const least = new Map(
    [...shares].map(([zone, part]) => [zone, Math.ceil((part * count) / (1 + OVERLOAD_MAX))]),
  );
  const spare = [...least.values()].reduce((left, each) => left - each, count);
  if (spare < 0) return `${OVERLOADED} ${what}`;
  return new Map(
    [...shares].map(([zone, part]) => {
      const minimum = least.get(zone) ?? 0;
      return [zone, { desired: Math.max(part * count, minimum), maximum: minimum + spare }];
    }),
  );
}

/** Whether the slice's hints can stay; they are counted then. */
function keep(
  { endpoints }: Draft,
  counts: Map<string, number>,
  allocations: Allocations,
): boolean {
  const own = new Map<string, number>();
  for (const { hints } of endpoints.filter(isReady)) {
    if (!hints?.forZones?.length) return false;
    for (const { name } of hints.forZones) own.set(name, (own.get(name) ?? 0) + 1);
  }
  for (const [zone, count] of own) {
    const { maximum } = allocations.get(zone) ?? { maximum: 0 };
    if (count + (counts.get(zone) ?? 0) > maximum) return false;
  }
  for (const [zone, count] of own) counts.set(zone, (counts.get(zone) ?? 0) + count);
  return true;
}

/** The zone of each; what is in a zone that has too many may be for another. */
function share(
  ready: readonly Endpoint[],
  counts: Map<string, number>,
  allocations: Allocations,
): ReadonlyMap<Endpoint, string> {
  const hints = new Map<Endpoint, string>();
  for (const endpoint of ready) {
    const { zone = '' } = endpoint;
    hints.set(endpoint, zone);
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  const { gives, receives } = moves(counts, allocations);
  for (const endpoint of ready) {
    const { zone = '' } = endpoint;
    const [to] = receives.keys();
    if (to === undefined || !take(gives, zone)) continue;
    take(receives, to);
    hints.set(endpoint, to);
  }
  return hints;
}

interface Moves {
  readonly gives: Map<string, number>;
  readonly receives: Map<string, number>;
}

/** How many endpoints each zone gives to others, and gets from them, to come near what it should have. */
function moves(counts: ReadonlyMap<string, number>, allocations: Allocations): Moves {
  const over = new Map<string, number>();
  const under = new Map<string, number>();
  for (const [zone, { desired }] of allocations) {
    const difference = (counts.get(zone) ?? 0) - desired;
    if (difference > 0) over.set(zone, difference);
    if (difference < 0) under.set(zone, -difference);
  }
  const found: Moves = { gives: new Map(), receives: new Map() };
  for (;;) {
    const [from, surplus] = most(over);
    const [to, lack] = most(under);
    if (Math.min(surplus, lack) < 0.5 || Math.max(surplus, lack) < 1) return found;
    over.set(from, surplus - 1);
    under.set(to, lack - 1);
    found.gives.set(from, (found.gives.get(from) ?? 0) + 1);
    found.receives.set(to, (found.receives.get(to) ?? 0) + 1);
  }
}

function most(zones: ReadonlyMap<string, number>): readonly [zone: string, count: number] {
  let best: readonly [string, number] = ['', 0];
  for (const each of zones) if (each[1] > best[1]) best = each;
  return best;
}

/** Whether there was one. */
function take(zones: Map<string, number>, zone: string): boolean {
  const left = (zones.get(zone) ?? 0) - 1;
  if (left > 0) zones.set(zone, left);
  else zones.delete(zone);
  return left >= 0;
}

function withHints(draft: Draft, zones: ReadonlyMap<Endpoint, string>): Draft {
  const endpoints = draft.endpoints.map(endpoint => {
    const name = zones.get(endpoint);
    const { hints: _, ...bare } = endpoint;
    return name === undefined ? bare : { ...bare, hints: { forZones: [{ name }] } };
  });
  return { ...draft, endpoints };
}

function withoutHints(draft: Draft): Draft {
  return withHints(draft, new Map());
}

function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}

/** Upstream's: what more than its share an endpoint may be exposed to. */
const OVERLOAD_MAX = 0.2;
const INSUFFICIENT_NODES =
  'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
const NO_ZONE = 'One or more endpoints do not have a zone specified';
const OVERLOADED =
  'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold';
