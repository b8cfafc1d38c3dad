import {
  CelCompileError,
  CelEvaluationError,
  type DeviceClass,
  type DeviceConstraint,
  type DeviceTaint,
  type DeviceToleration,
  type ExactDeviceRequest,
  keyOf,
  type ResourceClaim,
} from 'kernetes/sdk';
import type { PoolDevice } from './pools.ts';
import type { Selected, Selector, SelectorCache } from './selector-cache.ts';

/** A claim that is to be allocated, made ready to be tried on many nodes. */
export interface WantedClaim {
  readonly claim: ResourceClaim;
  readonly requests: readonly WantedDevices[];
  readonly constraints: readonly DeviceConstraint[];
}

/** One request: the first choice that can be had. */
export interface WantedDevices {
  readonly choices: readonly DeviceChoice[];
}

export interface Classes {
  get(name: string): DeviceClass | undefined;
}

/** Or why it cannot be allocated on any node. Throws on a selector that does not compile. */
export function wantedClaim(
  claim: ResourceClaim,
  classes: Classes,
  selectors: SelectorCache,
): WantedClaim | string {
  const { requests = [], constraints = [] } = claim.spec.devices ?? {};
  const wanted: WantedDevices[] = [];
  for (const { name, exactly, firstAvailable = [] } of requests) {
    const named: [string, ExactDeviceRequest][] = exactly
      ? [[name, exactly]]
      : firstAvailable.map(choice => [`${name}/${choice.name}`, choice]);
    const choices: DeviceChoice[] = [];
    for (const [request, choice] of named) {
      const deviceClass = classes.get(choice.deviceClassName);
      if (deviceClass === undefined) {
        return `request ${request}: device class ${choice.deviceClassName} does not exist`;
      }
      choices.push(new DeviceChoice({ request, choice, claim, deviceClass, selectors }));
    }
    wanted.push({ choices });
  }
  return { claim, requests: wanted, constraints };
}

interface DeviceChoiceOptions {
  /** `gpu`, or `gpu/large` of several choices. */
  readonly request: string;
  readonly choice: ExactDeviceRequest;
  readonly claim: ResourceClaim;
  readonly deviceClass: DeviceClass;
  readonly selectors: SelectorCache;
}

/** So many devices of a class, with these properties. */
export class DeviceChoice {
  readonly request: string;
  readonly deviceClass: DeviceClass;
  readonly tolerations: readonly DeviceToleration[];
  readonly isAdmin: boolean;
  readonly wantsAll: boolean;
  readonly count: number;
  readonly #selectors: readonly { readonly where: string; readonly selector: Selector }[];
  readonly #selected: Selected;

  constructor({ request, choice, claim, deviceClass, selectors }: DeviceChoiceOptions) {
    this.request = request;
    this.deviceClass = deviceClass;
    this.tolerations = choice.tolerations ?? [];
    this.isAdmin = choice.adminAccess ?? false;
    this.wantsAll = choice.allocationMode === 'All';
    this.count = choice.count ?? 1;
    const ofClass = (deviceClass.spec.selectors ?? []).map(({ cel }, i) => {
      const where = `class ${deviceClass.metadata.name}: selector #${i}`;
      return { where, selector: compiled(selectors, cel?.expression ?? '', where) };
    });
    const own = (choice.selectors ?? []).map(({ cel }, i) => {
      const where = `claim ${keyOf(claim)}: selector #${i}`;
      return { where, selector: compiled(selectors, cel?.expression ?? '', where) };
    });
    this.#selectors = [...ofClass, ...own];
    const all = [...(deviceClass.spec.selectors ?? []), ...(choice.selectors ?? [])];
    this.#selected = selectors.selected(all.map(({ cel }) => cel?.expression ?? ''));
  }

  /** Those of a list that are what is asked for, free or not. */
  selectedOf(devices: readonly PoolDevice[]): readonly PoolDevice[] {
    const known = this.#selected.get(devices);
    if (known) return known;
    const selected = devices.filter(device => this.#selects(device));
    this.#selected.set(devices, selected);
    return selected;
  }

  #selects(device: PoolDevice): boolean {
    // Who binds such a device has to wait for its driver, which the scheduler does not do.
    if (device.device.bindingConditions?.length) return false;
    for (const { where, selector } of this.#selectors) {
      try {
        if (!selector.matches(device)) return false;
      } catch (error) {
        if (!(error instanceof CelEvaluationError)) throw error;
        const at = `${where} on device ${device.id}`;
        throw new Error(`${at}: CEL runtime error: ${error.message}`, { cause: error });
      }
    }
    return true;
  }

  tolerates({ device: { taints } }: PoolDevice): boolean {
    return taints === undefined || taints.every(taint => this.#toleratesTaint(taint));
  }

  #toleratesTaint(taint: DeviceTaint): boolean {
    if (!EFFECTS.includes(taint.effect)) return true;
    return this.tolerations.some(toleration => tolerates(toleration, taint));
  }
}

/** The others warn, or are not known yet. */
const EFFECTS = ['NoSchedule', 'NoExecute'];

function tolerates(toleration: DeviceToleration, taint: DeviceTaint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

function compiled(selectors: SelectorCache, expression: string, where: string): Selector {
  try {
    return selectors.get(expression);
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    throw new Error(`${where}: CEL compile error: ${error.message}`, { cause: error });
  }
}
