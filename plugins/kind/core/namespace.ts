import {
  AGE_COLUMN,
  ageCell,
  column,
  dns1123LabelErrors,
  type FieldError,
  fieldPath,
  invalidValue,
  labelKeyErrors,
  maskTrailingDash,
  NAME_COLUMN,
  Namespace,
  rewritten,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';

/**
 * A namespace is kept, once deleted, by `spec.finalizers`, which only its `finalize` subresource
 * changes: the namespace controller takes `kubernetes` out when the namespace is empty.
 */
export const namespaces = coreKind<Namespace>(Namespace, {
  shortNames: ['ns'],
  isNamespace: true,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  columns: [NAME_COLUMN, column('Status'), AGE_COLUMN],
  row: (namespace, now) => [
    namespace.metadata.name ?? '',
    namespace.status?.phase ?? '',
    ageCell(namespace, now),
  ],
  selectableFields: { 'status.phase': ({ status }) => status?.phase ?? '' },
  earlier: [
    rewritten(20, ({ metadata }) => {
      delete metadata.labels?.[NAME_LABEL];
      if (Object.keys(metadata.labels ?? {}).length === 0) delete metadata.labels;
    }),
  ],
  defaults: labelWithName,
  strategy: {
    status: true,
    validateName: (name, prefix) =>
      dns1123LabelErrors(prefix ? maskTrailingDash(name) : name)?.join('; '),
    prepareCreate: namespace => {
      // Again: a generated name is not known when defaults are filled in.
      labelWithName(namespace);
      namespace.status = { phase: 'Active' };
      namespace.spec ??= {};
      const finalizers = namespace.spec.finalizers ?? [];
      namespace.spec.finalizers = finalizers.includes(KUBERNETES)
        ? finalizers
        : [...finalizers, KUBERNETES];
    },
    prepareUpdate: (namespace, old) => {
      // A plain update cannot let go of the namespace, nor keep it.
      if (old.spec) namespace.spec = structuredClone(old.spec);
      else delete namespace.spec;
    },
    prepareStatusUpdate: namespace => {
      namespace.status ??= {};
      namespace.status.phase ||= 'Active';
    },
    prepareDelete: namespace => {
      namespace.status = { ...namespace.status, phase: 'Terminating' };
    },
    heldBy: ({ spec }) => (spec?.finalizers ?? []).length > 0,
    validate: ({ spec }) => validateFinalizers(spec?.finalizers ?? []),
    validateStatusUpdate: validatePhase,
  },
  subresources: [
    {
      name: 'finalize',
      verbs: ['update'],
      apply: (namespace, body) => {
        const { spec } = body as Namespace;
        const finalizers = spec?.finalizers ?? [];
        namespace.spec = finalizers.length > 0 ? { finalizers } : {};
        return undefined;
      },
    },
  ],
});

/** Selectors over namespaces can name one of them by this label. */
function labelWithName({ metadata }: Namespace): void {
  if (!metadata.name) return;
  metadata.labels ??= {};
  metadata.labels[NAME_LABEL] = metadata.name;
}

function validateFinalizers(finalizers: readonly string[]): FieldError[] {
  const path = fieldPath('spec', 'finalizers');
  return finalizers.flatMap(finalizer => {
    const errors = (labelKeyErrors(finalizer) ?? []).map(error =>
      invalidValue(path, finalizer, error),
    );
    if (finalizer.includes('/') || finalizer === KUBERNETES) return errors;
    const why = 'name is neither a standard finalizer name nor is it fully qualified';
    return [...errors, invalidValue(path, finalizer, why)];
  });
}

function validatePhase({ metadata, status }: Namespace): FieldError[] {
  const phase = status?.phase ?? '';
  const wanted = metadata.deletionTimestamp ? 'Terminating' : 'Active';
  if (phase === wanted) return [];
  const when = metadata.deletionTimestamp ? 'is not empty' : 'is empty';
  const why = `may only be '${wanted}' if \`deletionTimestamp\` ${when}`;
  // Upstream names the Go field here.
  return [invalidValue(fieldPath('status', 'Phase'), phase, why)];
}

const KUBERNETES = 'kubernetes';
const NAME_LABEL = 'kubernetes.io/metadata.name';
