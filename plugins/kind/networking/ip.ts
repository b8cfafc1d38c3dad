import ipaddr from 'ipaddr.js';

/** An address and the length of its network prefix. */
export interface Cidr {
  readonly address: ipaddr.IPv4 | ipaddr.IPv6;
  readonly prefixLength: number;
}

/** Whether the text is an IPv4 or IPv6 address as Kubernetes takes it: no zone, no octal. */
export function isIp(text: string): boolean {
  return parseIp(text) !== undefined;
}

export function parseIp(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  return ipaddr.IPv6.parse(text);
}

/** The one way in which an address is written (RFC 5952); undefined when the text is none. */
export function canonicalIp(text: string): string | undefined {
  return parseIp(text)?.toString();
}

export function parseCidr(text: string): Cidr | undefined {
  const [, ip = '', digits = ''] = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = parseIp(ip);
  const prefixLength = Number(digits);
  if (address === undefined || digits === '') return undefined;
  return prefixLength <= bits(address) ? { address, prefixLength } : undefined;
}

/** Whether `inner` is part of `outer` and smaller. */
export function isStrictSubset(inner: Cidr, outer: Cidr): boolean {
  if (inner.address.kind() !== outer.address.kind()) return false;
  if (inner.prefixLength <= outer.prefixLength) return false;
  return inner.address.match(outer.address, outer.prefixLength);
}

function bits(address: ipaddr.IPv4 | ipaddr.IPv6): number {
  return address.kind() === 'ipv4' ? 32 : 128;
}
