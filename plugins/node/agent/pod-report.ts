import type { Pod, PodStatus } from 'kernetes/sdk';
import { saysOtherwise } from './pod-status.ts';

/** What the API was told of one pod, and whether it still stands so there. */
export class PodReport {
  #changed = false;
  #status: PodStatus | undefined;
  /** The version of the object that the last write made. */
  #version: string | undefined;
  /** The watch has brought that version: what comes later is somebody else's doing. */
  #caughtUp = false;

  /** There is something to write. */
  get changed(): boolean {
    return this.#changed;
  }

  /** What was written last by this agent. */
  get status(): PodStatus | undefined {
    return this.#status;
  }

  /** What the next write is to be made from: the watch may be behind the last one's answer. */
  versionAfter(seen: string | undefined): string | undefined {
    return this.#caughtUp ? seen : (this.#version ?? seen);
  }

  markChanged(): void {
    this.#changed = true;
  }

  /** What the API has was written by an earlier agent. */
  takeOver(): void {
    this.#caughtUp = true;
  }

  /** This status is about to be written. */
  writing(status: PodStatus): void {
    this.#status = status;
    this.#changed = false;
    this.#caughtUp = false;
    this.#version = undefined;
  }

  /** That status is written and made `version`; `seen` is the watch's latest. */
  written(status: PodStatus, version: string | undefined, seen: string | undefined): void {
    if (status !== this.#status) return;
    this.#version = version;
    // The watch may have been faster than the answer.
    this.#caughtUp = version !== undefined && version === seen;
  }

  /** Whether what the watch brought shows that somebody else changed what should be `wanted()`. */
  isContradictedBy(pod: Pod, wanted: () => PodStatus): boolean {
    if (pod.metadata.resourceVersion === this.#version) {
      this.#caughtUp = true;
      return false;
    }
    return this.#caughtUp && !this.#changed && saysOtherwise(pod.status, wanted());
  }
}
