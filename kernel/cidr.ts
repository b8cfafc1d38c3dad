import ipaddr from 'ipaddr.js';
import { LoadError } from './loader/manifest.ts';

/** An IPv4 range as its first address and the length of its prefix. */
export interface Cidr {
  readonly text: string;
  readonly first: number;
  readonly prefix: number;
}

/** Throws `LoadError`; `what` is the option that holds the text. */
export function parseCidr(text: string, what: string): Cidr {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(text)) {
    throw new LoadError(`${what} is "${text}": want an IPv4 range such as 10.96.0.0/16`);
  }
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text);
  const first = toNumber(ipaddr.IPv4.networkAddressFromCIDR(text));
  if (first !== toNumber(address)) {
    throw new LoadError(`${what} is "${text}": the range that holds it begins at ${format(first)}`);
  }
  return { text, first, prefix };
}

export function rangesOverlap(a: Cidr, b: Cidr): boolean {
  return a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);
}

/** The `index`-th address of the range; 0 is the network's own. */
export function addressAt({ first }: Cidr, index: number): string {
  return format(first + index);
}

export function sizeOf({ prefix }: Cidr): number {
  return 2 ** (32 - prefix);
}

function toNumber(address: ipaddr.IPv4): number {
  return address.octets.reduce((number, octet) => number * 256 + octet, 0);
}

function format(number: number): string {
  return [24, 16, 8, 0].map(shift => (number >>> shift) & 255).join('.');
}
