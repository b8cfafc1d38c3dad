import { keyOf, type LoadBalancerIngress, type Service } from 'kernetes/sdk';
import { type AddressRange, type Family, formatAddress, numberOf } from './address-range.ts';

/** Which address of a pool which Service has. */
export class Pool {
  readonly #ranges: readonly AddressRange[];
  /** Address -> the key of the Service that has it. */
  readonly #taken = new Map<string, string>();

  constructor(ranges: readonly AddressRange[]) {
    this.#ranges = ranges;
  }

  /** What the status of a Service says that it has, it keeps; who comes first wins. */
  learn(service: Service): void {
    for (const { ip = '' } of service.status?.loadBalancer?.ingress ?? []) {
      if (this.#has(ip) && !this.#taken.has(ip)) this.#taken.set(ip, keyOf(service));
    }
  }

  /** Its status has changed. What it has been given and does not tell of yet, it keeps. */
  relearn(service: Service, old: Service): void {
    const key = keyOf(service);
    const told = new Set(service.status?.loadBalancer?.ingress?.map(({ ip }) => ip));
    for (const { ip = '' } of old.status?.loadBalancer?.ingress ?? []) {
      if (!told.has(ip) && this.#taken.get(ip) === key) this.#taken.delete(ip);
    }
    this.learn(service);
  }

  /** One address for each family of the Service. Throws when one cannot be had. */
  take(service: Service): LoadBalancerIngress[] {
    const { ipFamilies, loadBalancerIP } = service.spec ?? {};
    const families = (ipFamilies?.length ? ipFamilies : ['IPv4']) as readonly Family[];
    const key = keyOf(service);
    const had = [...this.#taken].filter(([, owner]) => owner === key).map(([ip]) => ip);
    const wanted = loadBalancerIP ? numberOf(loadBalancerIP) : undefined;
    const ips = families.map(family =>
      wanted?.family === family
        ? this.#claim(key, formatAddress(family, wanted.number))
        : (had.find(ip => numberOf(ip)?.family === family) ?? this.#free(family)),
    );
    for (const ip of had) this.#taken.delete(ip);
    for (const ip of ips) this.#taken.set(ip, key);
    return ips.map(ip => ({ ip }));
  }

  release(service: Service): void {
    const key = keyOf(service);
    for (const [ip, owner] of this.#taken) if (owner === key) this.#taken.delete(ip);
  }

  #claim(key: string, ip: string): string {
    if (!this.#has(ip)) throw new Error(`spec.loadBalancerIP "${ip}" is not in the pool`);
    const owner = this.#taken.get(ip) ?? key;
    if (owner !== key) throw new Error(`spec.loadBalancerIP "${ip}" is taken by "${owner}"`);
    return ip;
  }

  /** The lowest. At most as many steps as there are Services with a balancer. */
  #free(family: Family): string {
    for (const range of this.#ranges.filter(each => each.family === family)) {
      for (let number = range.first; number <= range.last; number++) {
        const ip = formatAddress(family, number);
        if (!this.#taken.has(ip)) return ip;
      }
    }
    throw new Error(`no ${family} address of the pool is free`);
  }

  #has(ip: string): boolean {
    const { family, number = -1n } = numberOf(ip) ?? {};
    return this.#ranges.some(
      range => range.family === family && range.first <= number && number <= range.last,
    );
  }
}
