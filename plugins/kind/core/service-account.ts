import { AGE_COLUMN, ageCell, column, NAME_COLUMN, ServiceAccount } from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';

export const serviceAccounts = coreKind<ServiceAccount>(ServiceAccount, {
  shortNames: ['sa'],
  columns: [NAME_COLUMN, column('Secrets'), AGE_COLUMN],
  row: (account, now) => [
    account.metadata.name ?? '',
    (account.secrets ?? []).length,
    ageCell(account, now),
  ],
  strategy: {
    prepareCreate: keepSecretNames,
    prepareUpdate: keepSecretNames,
    returnsDeleted: true,
  },
});

/** A reference to a secret of the account's own namespace says its name and no more. */
function keepSecretNames(account: ServiceAccount): void {
  if (!account.secrets) return;
  account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}
