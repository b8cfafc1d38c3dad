import {
  column,
  type Event,
  Event as EventKind,
  type FieldError,
  fieldPath,
  invalidValue,
  NAME_COLUMN,
  nameFindings,
  qualifiedNameErrors,
  required,
  type TableCell,
  translateTimestamp,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';

/** The same objects as the Events of events.k8s.io. */
export const events = coreKind<Event>(EventKind, {
  shortNames: ['ev'],
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
    { ...NAME_COLUMN, priority: 1 },
  ],
  row: eventRow,
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject?.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject?.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject?.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject?.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || (reportingComponent ?? ''),
    type: ({ type }) => type ?? '',
  },
  // Members that Go prints even when they are empty.
  defaults: event => {
    event.source ??= {};
    event.reportingComponent ??= '';
    event.reportingInstance ??= '';
  },
  strategy: {
    createOnUpdate: true,
    ttlSeconds: 3_600,
    validate: validateEvent,
  },
});

export function eventRow(event: Event, now: number): TableCell[] {
  const { involvedObject = {}, series, metadata } = event;
  const firstSeen = translateTimestamp(event.firstTimestamp ?? event.eventTime, now);
  const lastTime = series ? series.lastObservedTime : event.lastTimestamp;
  const lastSeen = lastTime || series ? translateTimestamp(lastTime, now) : firstSeen;
  const kind = (involvedObject.kind ?? '').toLowerCase();
  const component = event.source?.component || (event.reportingComponent ?? '');
  const instance = event.source?.host || (event.reportingInstance ?? '');
  return [
    lastSeen,
    event.type ?? '',
    event.reason ?? '',
    involvedObject.name ? `${kind}/${involvedObject.name}` : kind,
    involvedObject.fieldPath ?? '',
    instance ? `${component}, ${instance}` : component,
    (event.message ?? '').trim(),
    firstSeen,
    series ? (series.count ?? 0) : event.count || 1,
    metadata.name ?? '',
  ];
}

function validateEvent(event: Event): FieldError[] {
  const namespace = event.metadata.namespace ?? '';
  const about = event.involvedObject?.namespace ?? '';
  const errors: FieldError[] = [];
  if (about === '' ? !CLUSTER_NAMESPACES.has(namespace) : about !== namespace) {
    const path = fieldPath('involvedObject', 'namespace');
    errors.push(invalidValue(path, about, 'does not match event.namespace'));
  }
  // Only the newer form of events, which has an eventTime, must be complete.
  return event.eventTime ? [...errors, ...validateComplete(event)] : errors;
}

function validateComplete(event: Event): FieldError[] {
  const { reportingComponent = '', message = '' } = event;
  const path = fieldPath('reportingController');
  const errors = reportingComponent
    ? nameFindings(path, reportingComponent, qualifiedNameErrors(reportingComponent))
    : [required(path)];
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    const value = event[field] ?? '';
    if (value === '') errors.push(required(field));
    else if (Buffer.byteLength(value) > 128) {
      errors.push(invalidValue(field, '', 'can have at most 128 characters'));
    }
  }
  if (Buffer.byteLength(message) > 1024) {
    errors.push(invalidValue('message', '', 'can have at most 1024 characters'));
  }
  return errors;
}

/** Where events about objects without a namespace are. */
const CLUSTER_NAMESPACES = new Set(['default', 'kube-system', '']);
