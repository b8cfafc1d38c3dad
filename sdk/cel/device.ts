import { opaqueQuantity } from './library/quantity.ts';
import { opaqueVersion } from './library/semver.ts';
import { DYN, type Field, mapOf, scalar, type Type } from './type.ts';
import { adaptDyn, fail, JsonMap, StructValue } from './value.ts';

/**
 * `device` in the selectors of DeviceClasses and ResourceClaims: a device of a ResourceSlice with
 * its slice's driver. Attributes and capacities are found by domain, then by name; a name without
 * a domain is in that of the driver, and a domain that there is not is an empty map.
 */
export interface CelDevice {
  readonly driver: string;
  readonly attributes?: Readonly<Record<string, CelDeviceAttribute>>;
  readonly capacity?: Readonly<Record<string, { readonly value: string }>>;
  readonly allowMultipleAllocations?: boolean;
}

export interface CelDeviceAttribute {
  readonly bool?: boolean;
  readonly bools?: readonly boolean[];
  readonly int?: number;
  readonly ints?: readonly number[];
  readonly string?: string;
  readonly strings?: readonly string[];
  readonly version?: string;
  readonly versions?: readonly string[];
}

const BY_DOMAIN = mapOf(scalar('string'), mapOf(scalar('string'), DYN));

const FIELDS: ReadonlyMap<string, Field> = new Map([
  ['driver', field('driver', scalar('string'))],
  ['attributes', field('attributes', BY_DOMAIN)],
  ['capacity', field('capacity', BY_DOMAIN)],
  ['allowMultipleAllocations', field('allowMultipleAllocations', scalar('bool'))],
]);

function field(key: string, type: Type): Field {
  return { key, binding: { type, adapt: adaptDyn } };
}

const TYPE: Type = {
  kind: 'object',
  name: 'kubernetes.DRADevice',
  parameters: [],
  fields: () => FIELDS,
};

export const DEVICE_BINDING = { type: TYPE, adapt: adaptDevice };

/** A device is asked about by many requests, and does not change. */
const adapted = new WeakMap<object, StructValue>();

function adaptDevice(data: unknown): unknown {
  const device = data as CelDevice;
  const known = adapted.get(device);
  if (known) return known;
  const { driver, attributes = {}, capacity = {}, allowMultipleAllocations = false } = device;
  const value = new StructValue(
    {
      driver,
      attributes: byDomain(driver, attributes, adaptAttribute),
      capacity: byDomain(driver, capacity, ({ value }) => opaqueQuantity(value)),
      allowMultipleAllocations,
    },
    TYPE,
  );
  adapted.set(device, value);
  return value;
}

function byDomain<T>(
  driver: string,
  entries: Readonly<Record<string, T>>,
  adapt: (entry: T) => unknown,
): DomainMap {
  const domains: Record<string, Record<string, unknown>> = Object.create(null);
  for (const [key, entry] of Object.entries(entries)) {
    const slash = key.indexOf('/');
    const domain = slash < 0 ? driver : key.slice(0, slash);
    domains[domain] ??= Object.create(null) as Record<string, unknown>;
    (domains[domain] as Record<string, unknown>)[key.slice(slash + 1)] = adapt(entry);
  }
  return new DomainMap(domains, adaptDyn);
}

class DomainMap extends JsonMap {
  override get(key: unknown): unknown {
    return super.get(key) ?? EMPTY;
  }

  override has(key: unknown): boolean {
    return super.get(key) !== undefined;
  }
}

const EMPTY = new JsonMap({}, adaptDyn);

function adaptAttribute(attribute: CelDeviceAttribute): unknown {
  const { version, versions, ints } = attribute;
  if (version !== undefined) return opaqueVersion(version);
  if (versions) return versions.map(opaqueVersion);
  const { bool, bools, int, string, strings } = attribute;
  return int ?? bool ?? string ?? ints ?? bools ?? strings ?? fail('unsupported attribute value');
}
