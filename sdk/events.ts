import type { EventSource } from './api/types-core-v1.ts';
import type { KubeObject } from './kind.ts';

/**
 * Writes Events about objects. Repetitions of the same (object, reason, message) are counted on one
 * Event instead of making new ones, as client-go's correlator does; a burst about one object is
 * cut off. Never throws and never delays the caller: an Event that cannot be written is dropped
 * and logged. `source` tells who reports: its component is by default upstream's name for the
 * plugin (`replicaset-controller` for `controller.replicaset`), its host a node where there are many.
 */
export interface EventRecorder {
  event(
    about: KubeObject,
    type: EventType,
    reason: string,
    message: string,
    source?: EventSource,
  ): void;
}

export type EventType = 'Normal' | 'Warning';
