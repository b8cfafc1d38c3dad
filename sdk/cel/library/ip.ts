import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { opaque } from '../type.ts';
import { fail, Opaque } from '../value.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

const IP_TYPE = opaque('net.IP');
const CIDR_TYPE = opaque('net.CIDR');
const IP_NAME = IP_TYPE.name;
const CIDR_NAME = CIDR_TYPE.name;
/** Longer than any address with its prefix. */
const TEXT_LENGTH_MAX = 64;

class Ip extends Opaque {
  readonly type = IP_TYPE;
  readonly address: Address;

  constructor(address: Address) {
    super();
    this.address = address;
  }

  equals(other: Ip): boolean {
    return this.toString() === other.toString();
  }

  override toString(): string {
    const { address } = this;
    return isV6(address) ? address.toRFC5952String() : address.toString();
  }
}

class Cidr extends Opaque {
  readonly type = CIDR_TYPE;
  readonly ip: Ip;
  readonly length: number;

  constructor(ip: Ip, length: number) {
    super();
    this.ip = ip;
    this.length = length;
  }

  equals(other: Cidr): boolean {
    return this.toString() === other.toString();
  }

  override toString(): string {
    return `${this.ip}/${this.length}`;
  }
}

export const IP: Library = {
  [`ip(string): ${IP_NAME}`]: (frame, text: string) => wantedIp(frame, text),
  'isIP(string): bool': (frame, text: string) => parseIp(frame, text) !== undefined,
  'ip.isCanonical(string): bool': (frame, text: string) =>
    wantedIp(frame, text).toString() === text,
  [`string(${IP_NAME}): string`]: (_, ip: Ip) => ip.toString(),
  [`${IP_NAME}.family(): int`]: (_, { address }: Ip) => (isV6(address) ? 6n : 4n),
  [`${IP_NAME}.isUnspecified(): bool`]: (_, { address }: Ip) =>
    address.toByteArray().every(byte => byte === 0),
  [`${IP_NAME}.isLoopback(): bool`]: (_, { address }: Ip) => address.range() === 'loopback',
  [`${IP_NAME}.isLinkLocalMulticast(): bool`]: (_, ip: Ip) => isLinkLocalMulticast(ip),
  [`${IP_NAME}.isLinkLocalUnicast(): bool`]: (_, { address }: Ip) =>
    address.range() === 'linkLocal',
  [`${IP_NAME}.isGlobalUnicast(): bool`]: (_, ip: Ip) => isGlobalUnicast(ip),
  [`cidr(string): ${CIDR_NAME}`]: wantedCidr,
  'isCIDR(string): bool': (frame, text: string) => parseCidr(frame, text) !== undefined,
  [`string(${CIDR_NAME}): string`]: (_, cidr: Cidr) => cidr.toString(),
  [`${CIDR_NAME}.ip(): ${IP_NAME}`]: (_, { ip }: Cidr) => ip,
  [`${CIDR_NAME}.prefixLength(): int`]: (_, { length }: Cidr) => BigInt(length),
  [`${CIDR_NAME}.masked(): ${CIDR_NAME}`]: (_, { ip, length }: Cidr) =>
    new Cidr(masked(ip, length), length),
  [`${CIDR_NAME}.containsIP(${IP_NAME}): bool`]: (_, cidr: Cidr, ip: Ip) => contains(cidr, ip),
  [`${CIDR_NAME}.containsIP(string): bool`]: (frame, cidr: Cidr, text: string) =>
    contains(cidr, wantedIp(frame, text)),
  [`${CIDR_NAME}.containsCIDR(${CIDR_NAME}): bool`]: (_, cidr: Cidr, other: Cidr) =>
    containsCidr(cidr, other),
  [`${CIDR_NAME}.containsCIDR(string): bool`]: (frame, cidr: Cidr, text: string) =>
    containsCidr(cidr, wantedCidr(frame, text)),
};

function isV6(address: Address): address is ipaddr.IPv6 {
  return address.kind() === 'ipv6';
}

/** No zones and no IPv4 addresses in the form of IPv6, as upstream. */
function parseIp({ meter }: Frame, text: string): Ip | undefined {
  meter.traverse(text.length);
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  if (isIPv4(text)) return new Ip(ipaddr.IPv4.parse(text));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? undefined : new Ip(address);
}

function wantedIp(frame: Frame, text: string): Ip {
  const shown = JSON.stringify(text.slice(0, TEXT_LENGTH_MAX));
  return (
    parseIp(frame, text) ?? fail(`IP Address ${shown} parse error during conversion from string`)
  );
}

function parseCidr(frame: Frame, text: string): Cidr | undefined {
  const [, address = '', prefix = ''] = /^([^/]{1,64})\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const ip = parseIp(frame, address);
  if (!ip || Number(prefix) > bitsOf(ip)) return undefined;
  return new Cidr(ip, Number(prefix));
}

function wantedCidr(frame: Frame, text: string): Cidr {
  const shown = JSON.stringify(text.slice(0, TEXT_LENGTH_MAX));
  return (
    parseCidr(frame, text) ??
    fail(`network address parse error during conversion from string: ${shown}`)
  );
}

function bitsOf({ address }: Ip): number {
  return isV6(address) ? 128 : 32;
}

function isLinkLocalMulticast({ address }: Ip): boolean {
  const [first = 0, second = 0, third] = address.toByteArray();
  if (isV6(address)) return first === 0xff && (second & 0x0f) === 2;
  return first === 224 && second === 0 && third === 0;
}

/** Go's meaning: all that is not one of the special kinds, private addresses too. */
function isGlobalUnicast({ address }: Ip): boolean {
  const bytes = address.toByteArray();
  const special = ['loopback', 'linkLocal', 'multicast', 'broadcast', 'unspecified'];
  return !special.includes(address.range()) && bytes.some(byte => byte !== 0);
}

function masked({ address }: Ip, length: number): Ip {
  const bytes = address.toByteArray().map((byte, i) => {
    const bits = Math.min(8, Math.max(0, length - 8 * i));
    return byte & (0xff << (8 - bits)) & 0xff;
  });
  return new Ip(ipaddr.fromByteArray(bytes));
}

function contains({ ip, length }: Cidr, other: Ip): boolean {
  return bitsOf(ip) === bitsOf(other) && masked(ip, length).equals(masked(other, length));
}

function containsCidr(cidr: Cidr, other: Cidr): boolean {
  return cidr.length <= other.length && contains(cidr, other.ip);
}
