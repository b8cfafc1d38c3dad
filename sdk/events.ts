import type { KubeObject } from './kind.ts';

/**
 * Writes Events about objects. Repetitions of the same (object, reason, message) are counted on one
 * Event instead of making new ones, as client-go's correlator does; a burst about one object is
 * cut off. Never throws and never delays the caller: an Event that cannot be written is dropped
 * and logged.
 */
export interface EventRecorder {
  event(about: KubeObject, type: EventType, reason: string, message: string): void;
}

export type EventType = 'Normal' | 'Warning';
