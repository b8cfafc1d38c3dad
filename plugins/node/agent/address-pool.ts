import { NumberPool } from './number-pool.ts';

/** A range of IPv4 addresses. */
export interface Cidr {
  readonly base: number;
  readonly prefix: number;
}

/** Throws when it is not one; bits behind the prefix are cleared. */
export function parseCidr(text: string): Cidr {
  const [, address = '', bits] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const base = parseIp(address);
  const prefix = Number(bits);
  if (base === undefined || !(prefix <= 32)) {
    throw new Error(`Cannot read "${text}" as an IPv4 range: want one like 10.244.0.0/16`);
  }
  return { base: base - (base % 2 ** (32 - prefix)), prefix };
}

export function formatCidr({ base, prefix }: Cidr): string {
  return `${formatIp(base)}/${prefix}`;
}

export function cidrSize({ prefix }: Cidr): number {
  return 2 ** (32 - prefix);
}

/** The addresses of a subnet, as the CNI plugin host-local gives them to pods. */
export class AddressPool {
  readonly #first: number;
  readonly #numbers: NumberPool;

  constructor(cidr: Cidr) {
    // The first is the subnet's name, the second its gateway, the last its broadcast.
    this.#first = cidr.base + 2;
    this.#numbers = new NumberPool(Math.max(0, cidrSize(cidr) - 3));
  }

  take(): string | undefined {
    const number = this.#numbers.take();
    return number === undefined ? undefined : formatIp(this.#first + number);
  }

  /** False when it is taken, or outside. */
  reserve(ip: string): boolean {
    return this.#numbers.reserve((parseIp(ip) ?? Number.NaN) - this.#first);
  }

  release(ip: string): void {
    this.#numbers.release((parseIp(ip) ?? Number.NaN) - this.#first);
  }
}

/** Subnets of one size out of a range. */
export class SubnetPool {
  readonly #range: Cidr;
  readonly #prefix: number;
  readonly #numbers: NumberPool;

  constructor(range: Cidr, prefix: number) {
    this.#range = range;
    this.#prefix = prefix;
    this.#numbers = new NumberPool(prefix < range.prefix ? 0 : 2 ** (prefix - range.prefix));
  }

  get size(): number {
    return this.#numbers.size;
  }

  take(): Cidr | undefined {
    const number = this.#numbers.take();
    if (number === undefined) return undefined;
    return { base: this.#range.base + number * this.#step, prefix: this.#prefix };
  }

  /** Nobody gets a subnet that lies in this range or holds it. */
  reserve(cidr: Cidr): void {
    const first = Math.floor((cidr.base - this.#range.base) / this.#step);
    const last = Math.floor((cidr.base + cidrSize(cidr) - 1 - this.#range.base) / this.#step);
    const end = Math.min(last, this.size - 1);
    for (let number = Math.max(0, first); number <= end; number++) this.#numbers.reserve(number);
  }

  get #step(): number {
    return 2 ** (32 - this.#prefix);
  }
}

function parseIp(text: string): number | undefined {
  const bytes = text.split('.');
  if (bytes.length !== 4 || !bytes.every(byte => /^\d{1,3}$/.test(byte) && Number(byte) < 256)) {
    return undefined;
  }
  return bytes.reduce((ip, byte) => ip * 256 + Number(byte), 0);
}

function formatIp(ip: number): string {
  return [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.');
}
