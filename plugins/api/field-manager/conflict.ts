import { ApiError, type ManagedFieldsEntry } from 'kernetes/sdk';
import { type FieldSet, isMember } from './field-set.ts';

/** Fields that an apply would change and another manager owns. */
export interface Conflict {
  readonly entry: ManagedFieldsEntry;
  /** Not empty. */
  readonly fields: FieldSet;
}

/** Upstream's answer, which names every field and its owner. */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const sorted = conflicts.toSorted((a, b) => (identity(a) < identity(b) ? -1 : 1));
  const found = sorted.map(({ entry, fields }) => ({ who: managerText(entry), fields }));
  const causes = found.flatMap(({ who, fields }) =>
    pathsOf(fields).map(field => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${who}`,
      field,
    })),
  );
  const [only] = causes;
  const text =
    causes.length === 1 && only
      ? `1 conflict: ${only.message}: ${only.field}`
      : `${causes.length} conflicts: ${found.map(groupText).join('\n')}`;
  return new ApiError({
    message: `Apply failed with ${text}`,
    reason: 'Conflict',
    details: { causes },
    code: 409,
  });
}

/** The paths of a set as messages show them: `.spec.containers[name="x"].image`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  const steps = Object.keys(set)
    .filter(step => step !== '.')
    .sort(compareSteps);
  const members = steps.filter(step => isMember(set[step] as FieldSet));
  return [
    ...members.map(step => prefix + stepText(step)),
    ...steps.flatMap(step => pathsOf(set[step] as FieldSet, prefix + stepText(step))),
  ];
}

/** `.name`, `[name="x"]`, `[="x"]`, `[0]`. */
export function stepText(step: string): string {
  const rest = step.slice(2);
  switch (step[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const keys = Object.entries(JSON.parse(rest) as object);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}

function groupText({ who, fields }: { readonly who: string; readonly fields: FieldSet }): string {
  return [`conflicts with ${who}:`, ...pathsOf(fields).map(path => `- ${path}`)].join('\n');
}

/** An updating manager is one in each version, so the version is said; an applier is one in all. */
function managerText({ manager = '', operation, apiVersion, subresource }: ManagedFieldsEntry) {
  const name = JSON.stringify(manager);
  const who = subresource ? `${name} with subresource ${JSON.stringify(subresource)}` : name;
  return operation === 'Update' ? `${who} using ${apiVersion}` : who;
}

function identity({ entry }: Conflict): string {
  const { manager, operation, apiVersion, subresource } = entry;
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource]);
}

/** Fields first, then elements by keys, by values, by index. */
function compareSteps(a: string, b: string): number {
  const order = STEP_ORDER.indexOf(a[0] ?? '') - STEP_ORDER.indexOf(b[0] ?? '');
  return order || (a < b ? -1 : a > b ? 1 : 0);
}

const STEP_ORDER = 'fkvi';
