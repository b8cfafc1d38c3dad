import type { Range } from './allocations.ts';

/** Addresses as numbers, without the range's own name and its broadcast address. */
export function addressRange(cidr: string): Range & { readonly cidr: string } {
  const [address = '', bits] = cidr.split('/');
  const base = parseIp(address);
  const prefix = Number(bits);
  if (base === undefined || !(prefix >= 8 && prefix <= 30)) {
    throw new Error(`serviceCidr is "${cidr}": want an IPv4 range from /8 to /30`);
  }
  const size = 2 ** (32 - prefix);
  const first = base - (base % size) + 1;
  // The sixteenth part at the range's start is left to who asks for an address (KEP-3070).
  const bandCount = size < 32 ? 0 : Math.min(256, Math.max(16, size / 16)) - 1;
  const kept = new Set([first + API_SERVER, first + CLUSTER_DNS]);
  return { cidr, first, count: size - 2, bandCount, kept };
}

export function portRange(text: string): Range & { readonly text: string } {
  const [first, last] = text.split('-').map(Number);
  if (first === undefined || last === undefined || !(first <= last) || last > 65_535) {
    throw new Error(`nodePortRange is "${text}": want one such as 30000-32767`);
  }
  const count = last - first + 1;
  // As for addresses (KEP-3668).
  const bandCount = count < 32 ? 0 : Math.min(128, Math.max(16, Math.floor(count / 32)));
  return { text, first, count, bandCount, kept: new Set() };
}

/** Undefined when it is no IPv4 address. */
export function parseIp(text: string): number | undefined {
  const parts = text.split('.');
  const octets = parts.map(Number);
  const isIp = parts.length === 4 && parts.every(part => /^\d{1,3}$/.test(part));
  if (!isIp || octets.some(octet => octet > 255)) return undefined;
  return octets.reduce((number, octet) => number * 256 + octet, 0);
}

export function formatIp(number: number): string {
  return [24, 16, 8, 0].map(shift => (number >>> shift) & 255).join('.');
}

/** Offsets from the first address. */
const API_SERVER = 0;
const CLUSTER_DNS = 9;
