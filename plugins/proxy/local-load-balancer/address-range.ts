import ipaddr from 'ipaddr.js';

export type Family = 'IPv4' | 'IPv6';

/** Both ends are in it. */
export interface AddressRange {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

/** `192.0.2.1`, `192.0.2.1-192.0.2.9`, `2001:db8::/120`. Throws on anything else. */
export function parseRange(text: string): AddressRange {
  const [start = '', end] = text.split('-').map(part => part.trim());
  if (end === undefined && text.includes('/') && ipaddr.isValidCIDR(text))
    return rangeOfNetwork(text);
  const first = numberOf(start);
  const last = end === undefined ? first : numberOf(end);
  if (!first || !last || first.family !== last.family || first.number > last.number) {
    throw new Error(
      `Cannot read "${text}" as addresses: want one, a range from a lower to a higher, or a network`,
    );
  }
  return { family: first.family, first: first.number, last: last.number };
}

/** Undefined: it is no address. */
export function numberOf(text: string): { family: Family; number: bigint } | undefined {
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
  if (!isAddress) return undefined;
  const bytes = ipaddr.parse(text).toByteArray();
  const number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: bytes.length === 4 ? 'IPv4' : 'IPv6', number };
}

export function formatAddress(family: Family, number: bigint): string {
  const length = family === 'IPv4' ? 4 : 16;
  const bytes = Array.from({ length }, (_, i) =>
    Number((number >> BigInt(8 * (length - 1 - i))) & 255n),
  );
  return ipaddr.fromByteArray(bytes).toString();
}

function rangeOfNetwork(text: string): AddressRange {
  const [address, prefix] = ipaddr.parseCIDR(text);
  const { family, number } = numberOf(address.toString()) ?? { family: 'IPv4', number: 0n };
  const size = 1n << BigInt((family === 'IPv4' ? 32 : 128) - prefix);
  const first = number - (number % size);
  return { family, first, last: first + size - 1n };
}
