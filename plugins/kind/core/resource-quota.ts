import {
  AGE_COLUMN,
  ageCell,
  column,
  immutable,
  inTables,
  NAME_COLUMN,
  ResourceQuota,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';
import { validateQuota, validateQuotaStatus } from './resource-quota-validation.ts';

export const resourceQuotas = coreKind<ResourceQuota>(ResourceQuota, {
  shortNames: ['quota'],
  columns: [NAME_COLUMN, column('Request'), column('Limit'), AGE_COLUMN],
  earlier: [
    inTables(32, columns =>
      columns.filter(each => each !== AGE_COLUMN).toSpliced(1, 0, AGE_COLUMN),
    ),
  ],
  row: (quota, now) => [
    quota.metadata.name ?? '',
    usage(quota, name => !name.startsWith('limits.')),
    usage(quota, name => name.startsWith('limits.')),
    ageCell(quota, now),
  ],
  strategy: {
    returnsDeleted: true,
    status: true,
    prepareCreate: quota => {
      quota.spec ??= {};
      quota.status = {};
    },
    validate: validateQuota,
    validateUpdate: (quota, old) =>
      immutable(
        [...(quota.spec?.scopes ?? [])].sort(),
        [...(old.spec?.scopes ?? [])].sort(),
        'spec.scopes',
      ),
    validateStatusUpdate: validateQuotaStatus,
  },
});

/** `pods: 1/10, requests.cpu: 100m/2` */
function usage({ status }: ResourceQuota, isShown: (name: string) => boolean): string {
  const { hard = {}, used = {} } = status ?? {};
  return Object.keys(hard)
    .filter(isShown)
    .sort()
    .map(name => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}
