import type { Clock, Probe, Runtime } from 'kernetes/sdk';
import type { ContainerRecord } from './container-record.ts';
import type { TellEvent } from './container-starter.ts';
import { Prober } from './prober.ts';

export interface ContainerProbesOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly event: TellEvent;
  /** `started` or `ready` of a record changed. */
  readonly changed: () => void;
  /** The container is to be ended because of this probe. */
  readonly kill: (record: ContainerRecord, probe: Probe, message: string) => void;
}

type ProbeKind = 'Startup' | 'Readiness' | 'Liveness';

/**
 * The probes of one pod's running containers. A container without a readiness probe is ready once
 * it has started, one without a startup probe has started once it runs.
 */
export class ContainerProbes {
  readonly #options: ContainerProbesOptions;
  readonly #probers = new Map<ContainerRecord, Prober[]>();

  constructor(options: ContainerProbesOptions) {
    this.#options = options;
  }

  /** The container runs; if it ran before, what its record says of `started` and `ready` holds. */
  start(record: ContainerRecord): void {
    const { startupProbe } = record.spec;
    if (record.started || !startupProbe) this.#started(record);
    else {
      this.#add(record, 'Startup', startupProbe, ok => {
        if (ok) this.#startedByProbe(record);
        else this.#kill(record, 'Startup', startupProbe);
      });
    }
  }

  stop(record: ContainerRecord): void {
    for (const prober of this.#probers.get(record) ?? []) prober.stop();
    this.#probers.delete(record);
  }

  stopAll(): void {
    for (const record of [...this.#probers.keys()]) this.stop(record);
  }

  #startedByProbe(record: ContainerRecord): void {
    this.stop(record);
    this.#started(record);
    this.#options.changed();
  }

  #started(record: ContainerRecord): void {
    const { readinessProbe, livenessProbe } = record.spec;
    record.started = true;
    if (!readinessProbe) record.ready = true;
    else {
      this.#add(record, 'Readiness', readinessProbe, ok => {
        if (record.ready === ok) return;
        record.ready = ok;
        this.#options.changed();
      });
    }
    if (!livenessProbe) return;
    this.#add(record, 'Liveness', livenessProbe, ok => {
      if (!ok) this.#kill(record, 'Liveness', livenessProbe);
    });
  }

  #add(
    record: ContainerRecord,
    kind: ProbeKind,
    probe: Probe,
    onResult: (ok: boolean) => void,
  ): void {
    const { runtime, clock, event } = this.#options;
    const onFailure = (message: string) =>
      event('Warning', 'Unhealthy', `${kind} probe failed: ${message}`);
    const prober = new Prober({
      probe,
      containerId: record.id,
      runtime,
      clock,
      onFailure,
      onResult,
    });
    const probers = this.#probers.get(record);
    if (probers) probers.push(prober);
    else this.#probers.set(record, [prober]);
  }

  #kill(record: ContainerRecord, kind: ProbeKind, probe: Probe): void {
    this.stop(record);
    const message = `Container ${record.spec.name} failed ${kind.toLowerCase()} probe, will be restarted`;
    this.#options.kill(record, probe, message);
  }
}
