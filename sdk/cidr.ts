import { isIP } from 'node:net';

/** A range of addresses of either family. */
export interface Cidr {
  /** The first address. */
  readonly base: bigint;
  readonly prefix: number;
  /** Of an address. */
  readonly bits: 32 | 128;
}

/** Undefined when it is none; bits behind the prefix are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length = '', ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  const bits = family === 4 ? 32 : 128;
  const prefix = Number(length);
  if (prefix > bits) return undefined;
  const free = BigInt(bits - prefix);
  const value = family === 4 ? parseV4(address) : parseV6(address);
  return { base: (value >> free) << free, prefix, bits };
}

export function formatCidr({ base, prefix, bits }: Cidr): string {
  return `${bits === 32 ? formatV4(base) : formatV6(base)}/${prefix}`;
}

/** Whether they have an address in common: one then holds the other. */
export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  if (a.bits !== b.bits) return false;
  const free = BigInt(a.bits - Math.min(a.prefix, b.prefix));
  return a.base >> free === b.base >> free;
}

function parseV4(text: string): bigint {
  return text.split('.').reduce((ip, byte) => (ip << 8n) | BigInt(byte), 0n);
}

function formatV4(ip: bigint): string {
  return [24n, 16n, 8n, 0n].map(shift => (ip >> shift) & 255n).join('.');
}

/** Of a valid address: without `::` it has eight groups, the last two of which may be IPv4. */
function parseV6(text: string): bigint {
  const [head = '', tail] = text.replace(/%.*$/, '').split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0n);
  return [...before, ...zeros, ...after].reduce((ip, group) => (ip << 16n) | group, 0n);
}

function groupsOf(text: string): bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const ip = parseV4(group);
    return [ip >> 16n, ip & 0xffffn];
  });
}

/** As RFC 5952 has it: the longest run of zero groups, the first of several, is left out. */
function formatV6(ip: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => {
    return ((ip >> BigInt(112 - 16 * i)) & 0xffffn).toString(16);
  }).join(':');
  const runs = [...groups.matchAll(/\b0(?::0\b)+/g)];
  const longest = runs.reduce((best, [run]) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups;
  const at = groups.indexOf(longest, runs.find(([run]) => run === longest)?.index);
  const before = groups.slice(0, at).replace(/:$/, '');
  const after = groups.slice(at + longest.length).replace(/^:/, '');
  return `${before}::${after}`;
}
