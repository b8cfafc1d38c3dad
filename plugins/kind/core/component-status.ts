import { ComponentStatus, column, NAME_COLUMN } from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';

/** Deprecated since 1.19. Nobody makes one here, so that the list is empty. */
export const componentStatuses = coreKind<ComponentStatus>(ComponentStatus, {
  shortNames: ['cs'],
  verbs: ['get', 'list'],
  columns: [NAME_COLUMN, column('Status'), column('Message'), column('Error')],
  row: ({ metadata, conditions }) => {
    const healthy = conditions?.find(({ type }) => type === 'Healthy');
    const status = healthy ? (healthy.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
    return [metadata.name ?? '', status, healthy?.message ?? '', healthy?.error ?? ''];
  },
  strategy: {},
});
