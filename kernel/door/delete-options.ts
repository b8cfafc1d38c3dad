import type { DeleteOptions } from '../../sdk/api/types-meta-v1.ts';
import { invalidValue, notSupported } from '../../sdk/field-path.ts';
import { apiVersionOf } from '../../sdk/kind.ts';
import { badRequest, type FieldError, invalid } from '../../sdk/status.ts';

/**
 * The options of a delete, from its body; what is null is absent, what is unknown is ignored, as
 * upstream does. Throws BadRequest on another kind or a wrong type, Invalid on values that cannot be
 * meant.
 */
export function readDeleteOptions(
  body: unknown,
  group: { readonly group: string; readonly version: string },
): DeleteOptions {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) throw wrongType('', body, 'DeleteOptions');
  const given = Object.entries(body).filter(([, value]) => value !== null);
  const options: Record<string, unknown> = Object.fromEntries(given);
  checkKind(options, apiVersionOf(group));
  for (const [field, type, isOf] of FIELDS) {
    const value = options[field];
    if (value !== undefined && !isOf(value)) throw wrongType(`.${field}`, value, type);
  }
  const checked = options as DeleteOptions;
  const errors = errorsIn(checked);
  if (errors.length > 0) throw invalid(DELETE_OPTIONS, '', errors);
  return checked;
}

/** Typed clients send the options as of the group that they delete from. */
function checkKind({ apiVersion, kind }: Record<string, unknown>, own: string): void {
  const version = apiVersion === undefined || apiVersion === '' ? META : String(apiVersion);
  const isKnown = version === META || version === 'v1' || version === own;
  if ((kind === undefined || kind === '' || kind === 'DeleteOptions') && isKnown) return;
  throw badRequest(
    `no kind "${String(kind)}" is registered for version "${version}" in this scheme`,
  );
}

/** Upstream's ValidateDeleteOptions. */
function errorsIn({ propagationPolicy, orphanDependents, dryRun = [] }: DeleteOptions) {
  const errors: FieldError[] = [];
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set';
    errors.push(invalidValue('propagationPolicy', propagationPolicy, why));
  }
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy)) {
    errors.push(notSupported('propagationPolicy', propagationPolicy, [...POLICIES, 'nil']));
  }
  if (dryRun.some(each => each !== 'All')) {
    const values = dryRun.map(each => JSON.stringify(each)).join(', ');
    // Upstream prints the whole list, the way Go does.
    const message = `Unsupported value: []string{${values}}: supported values: "All"`;
    errors.push({ reason: 'FieldValueNotSupported', field: 'dryRun', message });
  }
  return errors;
}

function wrongType(field: string, value: unknown, type: string): Error {
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return badRequest(
    'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ' +
      `json: cannot unmarshal ${found} into Go struct field DeleteOptions${field} of type ${type}`,
  );
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(each => typeof each === 'string');
}

function isPreconditions(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { uid, resourceVersion } = value as Record<string, unknown>;
  return [uid, resourceVersion].every(
    each => each === undefined || each === null || typeof each === 'string',
  );
}

const META = 'meta.k8s.io/v1';
const DELETE_OPTIONS = { group: 'meta.k8s.io', kind: 'DeleteOptions' };
const POLICIES = ['Foreground', 'Background', 'Orphan'];

/** Each field's type as Go calls it, and whether a value is of that. */
const FIELDS: readonly (readonly [string, string, (value: unknown) => boolean])[] = [
  ['gracePeriodSeconds', 'int64', value => Number.isSafeInteger(value)],
  ['propagationPolicy', 'v1.DeletionPropagation', value => typeof value === 'string'],
  ['orphanDependents', 'bool', value => typeof value === 'boolean'],
  ['dryRun', '[]string', isTexts],
  ['preconditions', 'v1.Preconditions', isPreconditions],
  ['ignoreStoreReadErrorWithClusterBreakingPotential', 'bool', value => typeof value === 'boolean'],
];
