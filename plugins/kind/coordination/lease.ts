import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  invalidValue,
  type Lease,
  NAME_COLUMN,
  nonNegative,
} from 'kernetes/sdk';

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  kind: 'Lease',
  resource: 'leases',
  singular: 'lease',
  namespaced: true,
  storage: { prefix: 'registry/leases', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('coordination.k8s.io', 'v1', 'Lease'),
      columns: [NAME_COLUMN, column('Holder'), AGE_COLUMN],
      row: (lease, now) => [
        lease.metadata.name ?? '',
        lease.spec?.holderIdentity ?? '',
        ageCell(lease, now),
      ],
    },
  ],
  strategy: { createOnUpdate: true, unconditionalUpdate: false, validate: validateLease },
});

export function validateLease({ spec = {} }: Lease): FieldError[] {
  const path = fieldPath('spec');
  const { leaseDurationSeconds: duration, leaseTransitions, strategy, preferredHolder } = spec;
  const errors: FieldError[] = [];
  if (duration !== undefined && duration <= 0) {
    const field = path.child('leaseDurationSeconds');
    errors.push(invalidValue(field, duration, 'must be greater than 0'));
  }
  errors.push(...nonNegative(leaseTransitions, path.child('leaseTransitions')));
  if (preferredHolder && !strategy) {
    const field = path.child('preferredHolder');
    const why = 'must be specified when `strategy` is defined';
    errors.push(invalidValue(field, preferredHolder, why));
  }
  return errors;
}
