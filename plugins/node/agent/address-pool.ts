import { type Cidr, parseCidr } from 'kernetes/sdk';
import { NumberPool } from './number-pool.ts';

/** Throws when it is not one; bits behind the prefix are cleared. */
export function ipv4Range(text: string): Cidr {
  const range = parseCidr(text);
  if (range?.bits === 32) return range;
  throw new Error(`Cannot read "${text}" as an IPv4 range: want one like 10.244.0.0/16`);
}

/** The addresses of a subnet, as the CNI plugin host-local gives them to pods. */
export class AddressPool {
  readonly #first: number;
  readonly #numbers: NumberPool;

  constructor(cidr: Cidr) {
    // The first is the subnet's name, the second its gateway, the last its broadcast.
    this.#first = Number(cidr.base) + 2;
    this.#numbers = new NumberPool(Math.max(0, sizeOf(cidr) - 3));
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
    const base = this.#range.base + BigInt(number * this.#step);
    return { base, prefix: this.#prefix, bits: 32 };
  }

  /** Nobody gets a subnet that lies in this range or holds it. */
  reserve(cidr: Cidr): void {
    const offset = Number(cidr.base - this.#range.base);
    const first = Math.floor(offset / this.#step);
    const last = Math.floor((offset + sizeOf(cidr) - 1) / this.#step);
    const end = Math.min(last, this.size - 1);
    for (let number = Math.max(0, first); number <= end; number++) this.#numbers.reserve(number);
  }

  get #step(): number {
    return 2 ** (32 - this.#prefix);
  }
}

function sizeOf({ prefix }: Cidr): number {
  return 2 ** (32 - prefix);
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
