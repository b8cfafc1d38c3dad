import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { coreV1, eventsV1 } from 'kernetes/sdk';
import { eventRow, events, fromCoreEvent, toCoreEvent } from './event.ts';

const event: eventsV1.Event = {
  kind: 'Event',
  apiVersion: 'events.k8s.io/v1',
  metadata: { name: 'e', namespace: 'x' },
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'c',
  reportingInstance: 'c-0',
  action: 'Starting',
  reason: 'Started',
  type: 'Normal',
  note: 'Started it',
  regarding: { kind: 'Pod', namespace: 'x', name: 'p' },
  series: { count: 3, lastObservedTime: '2026-01-01T00:01:00.000000Z' },
};

describe('events.k8s.io Event', () => {
  it('becomes a core Event and back without loss', () => {
    const core = toCoreEvent(event) as coreV1.Event;
    assert.deepEqual(core.involvedObject, event.regarding);
    assert.deepEqual([core.message, core.reportingComponent], ['Started it', 'c']);
    assert.deepEqual(fromCoreEvent(core), event);
  });

  it('shows what an old core Event has under the deprecated names', () => {
    const core: coreV1.Event = {
      metadata: { name: 'e', namespace: 'x' },
      involvedObject: { kind: 'Pod' },
      source: { component: 'kubelet', host: 'n' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:30Z',
      count: 2,
    };
    const shown = fromCoreEvent(core);
    assert.equal(shown.eventTime, null);
    assert.deepEqual(shown.deprecatedSource, core.source);
    assert.equal(shown.deprecatedCount, 2);
    const row = eventRow(shown, Date.parse('2026-01-01T00:01:00Z'));
    assert.deepEqual([row[0], row[5], row[7], row[8]], ['30s', 'kubelet, n', '60s', 2]);
  });

  it('validate() wants the newer form to be complete', () => {
    assert.deepEqual(events.strategy.validate?.(event), []);
    const { action: _, type: __, ...rest } = event;
    const errors = events.strategy.validate?.(rest as eventsV1.Event) ?? [];
    assert.deepEqual(
      errors.map(({ field }) => field),
      ['action', 'type'],
    );
  });
});
