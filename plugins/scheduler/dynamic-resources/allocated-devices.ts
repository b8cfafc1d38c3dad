import type { AllocationResult, DeviceRequestAllocationResult } from 'kernetes/sdk';

/** `driver/pool/device`: unique in the cluster. */
export function deviceId({
  driver,
  pool,
  device,
}: Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device'>): string {
  return `${driver}/${pool}/${device}`;
}

/** Which devices are taken, kept up to date claim by claim. Admins take none. */
export class AllocatedDevices {
  readonly #byClaim = new Map<string, readonly string[]>();
  readonly #counts = new Map<string, number>();

  has(id: string): boolean {
    return this.#counts.has(id);
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Replaces what a claim had before. */
  set(claimUid: string, allocation: AllocationResult | undefined): void {
    for (const id of this.#byClaim.get(claimUid) ?? []) this.#count(id, -1);
    const results = allocation?.devices?.results ?? [];
    const ids = results.filter(({ adminAccess }) => !adminAccess).map(deviceId);
    for (const id of ids) this.#count(id, 1);
    if (ids.length > 0) this.#byClaim.set(claimUid, ids);
    else this.#byClaim.delete(claimUid);
  }

  #count(id: string, by: number): void {
    const count = (this.#counts.get(id) ?? 0) + by;
    if (count > 0) this.#counts.set(id, count);
    else this.#counts.delete(id);
  }
}
