import {
  builtInSchema,
  column,
  type coreV1,
  defineKind,
  defineVersion,
  type eventsV1,
  type FieldError,
  fieldPath,
  type KindVersion,
  type KubeObject,
  notSupported,
  required,
  type TableCell,
  translateTimestamp,
} from 'kernetes/sdk';

const GROUP = 'events.k8s.io';

type Event = eventsV1.Event;

export const events = defineKind<Event>({
  group: GROUP,
  kind: 'Event',
  resource: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  storage: { prefix: 'registry/events', version: 'v1', group: '' },
  versions: [version('v1'), version('v1beta1')],
  selectableFields: {
    reason: ({ reason }) => reason ?? '',
    type: ({ type }) => type ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    'regarding.kind': ({ regarding }) => regarding?.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding?.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding?.name ?? '',
    'regarding.uid': ({ regarding }) => regarding?.uid ?? '',
  },
  strategy: { createOnUpdate: true, validate: validateEvent },
});

/** As core Events are kept: the same facts under older names. */
export function toCoreEvent({ kind, apiVersion, metadata, ...event }: Event): KubeObject {
  const core: coreV1.Event = {
    ...(kind && { kind }),
    ...(apiVersion && { apiVersion }),
    metadata,
    ...pick(event, SAME),
    involvedObject: event.regarding ?? {},
    ...(event.note !== undefined && { message: event.note }),
    ...(event.reportingController && { reportingComponent: event.reportingController }),
    ...(event.deprecatedSource && { source: event.deprecatedSource }),
    ...(event.deprecatedFirstTimestamp && { firstTimestamp: event.deprecatedFirstTimestamp }),
    ...(event.deprecatedLastTimestamp && { lastTimestamp: event.deprecatedLastTimestamp }),
    ...(event.deprecatedCount && { count: event.deprecatedCount }),
  };
  return core;
}

export function fromCoreEvent({ kind, apiVersion, metadata, ...core }: coreV1.Event): Event {
  return {
    ...(kind && { kind }),
    ...(apiVersion && { apiVersion }),
    metadata,
    ...(pick(core, SAME) as Pick<Event, 'series'>),
    // Older events have none; clients of this group expect the member.
    eventTime: core.eventTime ?? (null as unknown as string),
    regarding: core.involvedObject,
    ...(core.message !== undefined && { note: core.message }),
    ...(core.reportingComponent && { reportingController: core.reportingComponent }),
    ...(core.source && { deprecatedSource: core.source }),
    ...(core.firstTimestamp && { deprecatedFirstTimestamp: core.firstTimestamp }),
    ...(core.lastTimestamp && { deprecatedLastTimestamp: core.lastTimestamp }),
    ...(core.count && { deprecatedCount: core.count }),
  };
}

function version(name: string): KindVersion {
  return defineVersion<Event>({
    name,
    schema: builtInSchema(GROUP, name, 'Event'),
    toStorage: event => toCoreEvent(event) as Event,
    fromStorage: object => fromCoreEvent(object as unknown as coreV1.Event),
    columns: [
      column('Last Seen'),
      column('Type'),
      column('Reason'),
      column('Object'),
      column('Subobject', 1),
      column('Source', 1),
      column('Message'),
      column('First Seen', 1),
      column('Count', 1),
      { ...column('Name', 1), format: 'name' },
    ],
    row: eventRow,
    ...(name === 'v1beta1' && {
      releases: { until: 24 },
      deprecation: 'events.k8s.io/v1beta1 Event is deprecated in v1.22+, unavailable in v1.25+',
    }),
  });
}

export function eventRow(event: Event, now: number): TableCell[] {
  const { regarding = {}, series, metadata } = event;
  const firstSeen = translateTimestamp(event.deprecatedFirstTimestamp ?? event.eventTime, now);
  const last = series?.lastObservedTime ?? event.deprecatedLastTimestamp;
  const kind = (regarding.kind ?? '').toLowerCase();
  const component = event.deprecatedSource?.component || (event.reportingController ?? '');
  const instance = event.deprecatedSource?.host || (event.reportingInstance ?? '');
  return [
    last ? translateTimestamp(last, now) : firstSeen,
    event.type ?? '',
    event.reason ?? '',
    regarding.name ? `${kind}/${regarding.name}` : kind,
    regarding.fieldPath ?? '',
    instance ? `${component}, ${instance}` : component,
    (event.note ?? '').trim(),
    firstSeen,
    series?.count ?? event.deprecatedCount ?? 1,
    metadata.name ?? '',
  ];
}

/** The newer form must be complete, unlike core's. */
function validateEvent(event: Event): FieldError[] {
  const needed = ['eventTime', 'reportingController', 'reportingInstance', 'action', 'reason'];
  const values = event as unknown as Record<string, unknown>;
  const errors = needed
    .filter(field => !values[field])
    .map(field => required(fieldPath(field), ''));
  if (!TYPES.includes(event.type ?? '')) {
    errors.push(notSupported(fieldPath('type'), event.type ?? '', TYPES));
  }
  return errors;
}

function pick<T extends object, K extends keyof T>(object: T, keys: readonly K[]): Partial<T> {
  const found = keys
    .filter(key => (object[key] ?? undefined) !== undefined)
    .map(key => [key, object[key]]);
  return Object.fromEntries(found) as Partial<T>;
}

const SAME = [
  'eventTime',
  'series',
  'action',
  'reason',
  'related',
  'reportingInstance',
  'type',
] as const;
const TYPES = ['Normal', 'Warning'];
