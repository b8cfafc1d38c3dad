import { type FieldError, forbiddenValue, invalid, notSupported } from 'kernetes/sdk';

/**
 * What a list or watch asks for must fit together; throws Invalid with all that does not. Upstream's
 * ValidateListOptions.
 */
export function checkListOptions(query: URLSearchParams, isWatch: boolean): void {
  const match = query.get('resourceVersionMatch') ?? '';
  const initial = query.get('sendInitialEvents') ?? '';
  if (match === '' && initial === '') return;
  const errors = isWatch ? watchErrors(match, initial) : listErrors(query, match, initial);
  if (match && query.get('continue')) {
    errors.push(
      forbiddenValue(MATCH, 'resourceVersionMatch is forbidden when continue is provided'),
    );
  }
  if (errors.length > 0) throw invalid(LIST_OPTIONS, '', errors);
}

function watchErrors(match: string, initial: string): FieldError[] {
  if (initial === '') {
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    return [forbiddenValue(MATCH, why)];
  }
  if (match === 'NotOlderThan') return [];
  const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
  return [forbiddenValue(MATCH, why)];
}

function listErrors(query: URLSearchParams, match: string, initial: string): FieldError[] {
  const errors: FieldError[] = [];
  const version = query.get('resourceVersion') ?? '';
  if (match && version === '') {
    const why = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    errors.push(forbiddenValue(MATCH, why));
  }
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

const MATCH = 'resourceVersionMatch';
const MATCHES = ['Exact', 'NotOlderThan'];
const LIST_OPTIONS = { group: 'meta.k8s.io', kind: 'ListOptions' };
