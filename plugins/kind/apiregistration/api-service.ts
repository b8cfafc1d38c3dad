import {
  AGE_COLUMN,
  type APIService,
  type APIServiceStatus,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  type KindVersion,
  NAME_COLUMN,
  olderVersion,
  oneOf,
  pathSegmentErrors,
  type TableCell,
  toTime,
} from 'kernetes/sdk';
import { validateApiService } from './validation.ts';

const GROUP = 'apiregistration.k8s.io';

const API_SERVICE_V1: KindVersion<APIService> = {
  name: 'v1',
  schema: builtInSchema(GROUP, 'v1', 'APIService'),
  defaults: ({ spec }) => {
    if (spec?.service) spec.service.port ??= 443;
  },
  columns: [NAME_COLUMN, column('Service'), column('Available'), AGE_COLUMN],
  row: apiServiceRow,
};

export const apiServices = defineKind<APIService>({
  group: GROUP,
  kind: 'APIService',
  resource: 'apiservices',
  singular: 'apiservice',
  categories: ['api-extensions'],
  namespaced: false,
  storage: { prefix: `registry/${GROUP}/apiservices`, version: 'v1' },
  versions: [
    API_SERVICE_V1,
    olderVersion(API_SERVICE_V1, {
      group: GROUP,
      kind: 'APIService',
      name: 'v1beta1',
      deprecated: 19,
      until: 21,
    }),
  ],
  strategy: {
    status: true,
    validateName: name => pathSegmentErrors(name)?.join('; '),
    // What this server serves itself need not be looked for.
    prepareCreate: (service, { clock }) => {
      if (service.spec?.service) service.status = {};
      else service.status = localStatus(clock.now());
    },
    validate: validateApiService,
    validateStatusUpdate: validateStatus,
  },
});

function localStatus(now: number): APIServiceStatus {
  const message = 'Local APIServices are always available';
  const lastTransitionTime = toTime(now);
  const local = { type: 'Available', status: 'True', reason: 'Local', message };
  return { conditions: [{ ...local, lastTransitionTime }] };
}

function validateStatus({ status }: APIService): FieldError[] {
  const path = fieldPath('status', 'conditions');
  return (status?.conditions ?? []).flatMap(({ status: value }, i) =>
    oneOf(value, ['True', 'False', 'Unknown'], path.index(i).child('status')),
  );
}

function apiServiceRow(object: APIService, now: number): TableCell[] {
  const { metadata, spec, status } = object;
  const service = spec?.service;
  const available = status?.conditions?.find(({ type }) => type === 'Available');
  return [
    metadata.name ?? '',
    service ? `${service.namespace}/${service.name}` : 'Local',
    available ? shown(available) : 'Unknown',
    ageCell(object, now),
  ];
}

function shown({ status, reason = '' }: { status: string; reason?: string }): string {
  return status === 'True' ? status : `${status} (${reason})`;
}
