import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  invalidValue,
  type KindVersion,
  type Lease,
  NAME_COLUMN,
  nonNegative,
  olderVersion,
} from 'kernetes/sdk';

const LEASE_V1: KindVersion<Lease> = {
  name: 'v1',
  schema: builtInSchema('coordination.k8s.io', 'v1', 'Lease'),
  columns: [NAME_COLUMN, column('Holder'), AGE_COLUMN],
  row: (lease, now) => [
    lease.metadata.name ?? '',
    lease.spec?.holderIdentity ?? '',
    ageCell(lease, now),
  ],
};

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  kind: 'Lease',
  resource: 'leases',
  singular: 'lease',
  namespaced: true,
  storage: { prefix: 'registry/leases', version: 'v1' },
  versions: [
    LEASE_V1,
    olderVersion(LEASE_V1, {
      group: 'coordination.k8s.io',
      kind: 'Lease',
      name: 'v1beta1',
      deprecated: 19,
      until: 21,
    }),
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
