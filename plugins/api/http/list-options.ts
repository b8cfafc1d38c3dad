import { type FieldError, forbiddenValue, invalid, notSupported } from 'kernetes/sdk';
import { integer } from './path.ts';

/**
 * What a list, a watch or the deletion of a collection asks for must be readable and fit together:
 * throws BadRequest, or Invalid with all that does not. Upstream's ValidateListOptions.
 */
export function checkListOptions(query: URLSearchParams, isWatch: boolean): void {
  for (const name of NUMBERS) integer(query.get(name) ?? '0');
  const match = query.get('resourceVersionMatch') ?? '';
  const initial = query.has('sendInitialEvents');
  if (match === '' && !initial) return;
  const errors = isWatch ? watchErrors(query, match, initial) : listErrors(query, match, initial);
  if (errors.length > 0) throw invalid(LIST_OPTIONS, '', errors);
}

function watchErrors(query: URLSearchParams, match: string, initial: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (initial && match !== 'NotOlderThan') {
    const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    errors.push(forbiddenValue(MATCH, why));
  }
  if (match === '') return errors;
  if (!initial) {
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    errors.push(forbiddenValue(MATCH, why));
  }
  if (match !== 'NotOlderThan') errors.push(notSupported(MATCH, match, ['NotOlderThan']));
  if (query.get('continue')) errors.push(forbiddenValue(MATCH, WITH_CONTINUE));
  return errors;
}

function listErrors(query: URLSearchParams, match: string, initial: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const version = query.get('resourceVersion') ?? '';
  if (match && version === '') {
    const why = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    errors.push(forbiddenValue(MATCH, why));
  }
  if (match && query.get('continue')) errors.push(forbiddenValue(MATCH, WITH_CONTINUE));
  if (match && !MATCHES.includes(match)) errors.push(notSupported(MATCH, match, MATCHES));
  if (match === 'Exact' && version === '0') {
    const why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
    errors.push(forbiddenValue(MATCH, why));
  }
  if (initial) {
    errors.push(forbiddenValue('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

const NUMBERS = ['limit', 'timeoutSeconds'];
const MATCH = 'resourceVersionMatch';
const MATCHES = ['Exact', 'NotOlderThan', ''];
const WITH_CONTINUE = 'resourceVersionMatch is forbidden when continue is provided';
const LIST_OPTIONS = { group: 'meta.k8s.io', kind: 'ListOptions' };
