import type { EndpointSlice, EventType, Service } from 'kernetes/sdk';
import { isTopologyAware } from './endpoint.ts';
import { hintZones } from './hints.ts';
import type { Draft } from './plan.ts';
import type { Zones } from './zones.ts';

/** What is to be told about the Service. */
export interface Notice {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

/** The hints of one Service's endpoints. */
export interface ServiceHints {
  /** For the slices of one family; absent: these hints are not wanted. */
  readonly hint?: (drafts: readonly Draft[]) => readonly Draft[];
  /** Complete when all slices are hinted. */
  readonly notices: readonly Notice[];
}

/** Which Services have hints by the sizes of zones, and what is to be told when that changes. */
export class Topology {
  readonly #zones: Zones;
  /** The families that have hints, of each Service that wants them. By key. */
  readonly #hinted = new Map<string, Set<string>>();

  constructor(zones: Zones) {
    this.#zones = zones;
  }

  /** Keys of the Services that may need other hints when zones grow or shrink. */
  services(): readonly string[] {
    return [...this.#hinted.keys()];
  }

  forget(key: string): void {
    this.#hinted.delete(key);
  }

  hintsOf(key: string, service: Service, slices: readonly EndpointSlice[]): ServiceHints {
    const known = this.#hinted.get(key);
    if (!isTopologyAware(service)) {
      this.#hinted.delete(key);
      return { notices: [...(known ?? [])].map(family => disabled(SWITCHED_OFF, family)) };
    }
    // After a start the slices tell what was told before.
    const hinted = known ?? new Set(slices.filter(hasHints).map(slice => slice.addressType));
    this.#hinted.set(key, hinted);
    const notices: Notice[] = [];
    const hint = (drafts: readonly Draft[]) => {
      const [first] = drafts;
      if (first === undefined) return drafts;
      const { addressType } = first.list;
      const found = hintZones(drafts, this.#zones.shares());
      if (found.problem !== undefined) {
        hinted.delete(addressType);
        notices.push(disabled(found.problem, addressType));
      } else if (!hinted.has(addressType)) {
        hinted.add(addressType);
        notices.push(notice('Normal', 'TopologyAwareHintsEnabled', [SWITCHED_ON, addressType]));
      }
      return found.drafts;
    };
    return { hint, notices };
  }
}

function disabled(why: string, addressType: string): Notice {
  return notice('Warning', 'TopologyAwareHintsDisabled', [why, addressType]);
}

function notice(type: EventType, reason: string, [what, addressType]: [string, string]): Notice {
  return { type, reason, message: `${what}, addressType: ${addressType}` };
}

function hasHints({ endpoints }: EndpointSlice): boolean {
  return endpoints?.some(({ hints }) => hints?.forZones?.length) ?? false;
}

const SWITCHED_ON = 'Topology Aware Hints has been enabled';
const SWITCHED_OFF = 'Topology Aware Hints has been disabled';
