import {
  cIdentifierErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  type FieldError,
  type FieldPath,
  invalidValue,
  nameFindings,
  required,
  tooLong,
} from 'kernetes/sdk';

const DRIVER_NAME_MAX = 63;
const POOL_NAME_MAX = 253;
const ID_MAX = 32;

export function validateDriverName(name = '', path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(path));
  if (name.length > DRIVER_NAME_MAX) errors.push(tooLong(path, DRIVER_NAME_MAX));
  const wrong = dns1123SubdomainErrors(name.toLowerCase());
  return name === '' ? errors : [...errors, ...nameFindings(path, name, wrong)];
}

/** One or more subdomains with slashes between. */
export function validatePoolName(name = '', path: FieldPath): FieldError[] {
  if (name === '') return [required(path)];
  const errors: FieldError[] = [];
  if (name.length > POOL_NAME_MAX) errors.push(tooLong(path, POOL_NAME_MAX));
  for (const part of name.split('/')) {
    errors.push(...nameFindings(path, part, dns1123SubdomainErrors(part)));
  }
  return errors;
}

export function validateLabelForm(name = '', path: FieldPath): FieldError[] {
  return nameFindings(path, name, dns1123LabelErrors(name));
}

/** Of attributes and capacities: an identifier, perhaps in a domain. */
export function validateQualifiedName(name: string, path: FieldPath): FieldError[] {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) return [invalidValue(path, name, 'must not contain more than one slash')];
  if (second === undefined) return validateIdentifier(first, path);
  return [
    ...(first === ''
      ? [invalidValue(path, '', 'the domain must not be empty')]
      : validateDriverName(first, path)),
    ...(second === ''
      ? [invalidValue(path, '', 'the name must not be empty')]
      : validateIdentifier(second, path)),
  ];
}

/** Of constraints, which are about the devices of several drivers. */
export function validateFullName(name: string, path: FieldPath): FieldError[] {
  const errors = validateQualifiedName(name, path);
  if (name.includes('/')) return errors;
  const why = 'a fully qualified name must be a domain and a name separated by a slash';
  return [...errors, invalidValue(path, name, why)];
}

function validateIdentifier(id: string, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (id.length > ID_MAX) errors.push(tooLong(path, ID_MAX));
  return [...errors, ...nameFindings(path, id, cIdentifierErrors(id))];
}
