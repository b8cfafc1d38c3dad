import { column, LimitRange, NAME_COLUMN } from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';
import { defaultLimitItem } from './limit-range-defaults.ts';
import { validateLimitRange } from './limit-range-validation.ts';

export const limitRanges = coreKind<LimitRange>(LimitRange, {
  shortNames: ['limits'],
  columns: [NAME_COLUMN, { ...column('Created At'), type: 'date' }],
  row: ({ metadata }) => [metadata.name ?? '', metadata.creationTimestamp ?? ''],
  defaults: ({ spec }) => {
    for (const item of spec?.limits ?? []) defaultLimitItem(item);
  },
  strategy: { createOnUpdate: true, validate: validateLimitRange },
});
