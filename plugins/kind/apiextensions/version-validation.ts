import {
  type CustomResourceColumnDefinition,
  type CustomResourceDefinitionSpec,
  type CustomResourceDefinitionVersion,
  type CustomResourceSubresourceScale,
  dns1035LabelErrors,
  duplicate,
  type FieldError,
  type FieldPath,
  fieldsOfPath,
  invalidValue,
  type JSONSchemaProps,
  propertyOf,
  required,
  type SchemaEngines,
  tooMany,
} from 'kernetes/sdk';
import { validateSchema } from './schema-validation.ts';
import { isRepeated, placeOf, SPEC } from './versions.ts';

const VERSIONS = SPEC.child('versions');
const SELECTABLE_FIELDS_MAX = 8;
const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = [
  'byte',
  'date',
  'date-time',
  'double',
  'float',
  'int32',
  'int64',
  'password',
];

export function validateVersions(
  spec: CustomResourceDefinitionSpec,
  engines: SchemaEngines,
): FieldError[] {
  const { versions } = spec;
  const missing = versions.flatMap(({ schema }, i) =>
    schema?.openAPIV3Schema || spec.preserveUnknownFields
      ? []
      : [required(VERSIONS.index(i).child('schema', 'openAPIV3Schema'))],
  );
  const each = versions.flatMap((version, i) => validateVersion(spec, version, { i, engines }));
  const names = new Set(versions.map(({ name }) => name));
  const errors = [...missing, ...each];
  if (names.size < versions.length) {
    errors.push(invalidValue(VERSIONS, versions, 'must contain unique version names'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    const why = 'must have exactly one version marked as storage version';
    errors.push(invalidValue(VERSIONS, versions, why));
  }
  return errors;
}

function validateVersion(
  spec: CustomResourceDefinitionSpec,
  version: CustomResourceDefinitionVersion,
  { i, engines }: { readonly i: number; readonly engines: SchemaEngines },
): FieldError[] {
  const { name = '', schema, subresources } = version;
  const wrong = dns1035LabelErrors(name);
  const errors = wrong
    ? [invalidValue(VERSIONS.index(i).child('name'), name, wrong.join(','))]
    : [];
  errors.push(...validateDeprecation(version, VERSIONS.index(i)));
  const root = schema?.openAPIV3Schema;
  if (root && !isRepeated(spec, i, 'schema')) {
    const hasStatus = subresources?.status !== undefined;
    const path = placeOf(spec, i, 'schema').child('openAPIV3Schema');
    errors.push(
      ...validateSchema(root, path, {
        hasStatus,
        isFree: spec.preserveUnknownFields === true,
        engines,
      }),
    );
  }
  if (subresources?.scale && !isRepeated(spec, i, 'subresources')) {
    errors.push(...validateScale(subresources.scale, placeOf(spec, i, 'subresources')));
  }
  if (!isRepeated(spec, i, 'additionalPrinterColumns')) {
    const path = placeOf(spec, i, 'additionalPrinterColumns');
    const columns = version.additionalPrinterColumns ?? [];
    errors.push(...columns.flatMap((column, at) => validateColumn(column, path.index(at))));
  }
  if (root && !isRepeated(spec, i, 'selectableFields')) {
    errors.push(...validateSelectable(version, root, placeOf(spec, i, 'selectableFields')));
  }
  return errors;
}

function validateDeprecation(
  { deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion,
  version: FieldPath,
): FieldError[] {
  if (text === undefined) return [];
  const path = version.child('deprecationWarning');
  const refuse = (why: string) => [invalidValue(path, text, why)];
  if (!deprecated) return refuse('can only be set for deprecated versions');
  if (text === '') return refuse('must not be an empty string');
  if (text.length > 256) return refuse('must be <= 256 characters long');
  const at = [...text].findIndex(c => /[\p{Cc}\p{Cf}\p{Cn}\p{Zl}\p{Zp}]/u.test(c));
  if (at < 0) return [];
  return refuse(
    `must only contain printable UTF-8 characters; non-printable character found at index ${at}`,
  );
}

function validateColumn(column: CustomResourceColumnDefinition, path: FieldPath): FieldError[] {
  const { name, type, format, jsonPath } = column;
  const errors: FieldError[] = [];
  if (!name) errors.push(required(path.child('name')));
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (!type) errors.push(required(path.child('type'), types));
  else if (!COLUMN_TYPES.includes(type)) errors.push(invalidValue(path.child('type'), type, types));
  if (format && !COLUMN_FORMATS.includes(format)) {
    const why = `must be one of ${COLUMN_FORMATS.join(',')}`;
    errors.push(invalidValue(path.child('format'), format, why));
  }
  if (!jsonPath) errors.push(required(path.child('JSONPath')));
  else errors.push(...validatePath(jsonPath, path.child('JSONPath')));
  return errors;
}

function validatePath(text: string, path: FieldPath): FieldError[] {
  if (text.startsWith('.')) return [];
  return [invalidValue(path, text, 'must be a simple json path starting with .')];
}

function validateScale(scale: CustomResourceSubresourceScale, path: FieldPath): FieldError[] {
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  const errors: FieldError[] = [];
  const check = (text: string | undefined, field: string, roots: readonly string[]) => {
    const at = path.child('scale', field);
    if (!text) return void errors.push(required(at));
    const wrong = validatePath(text, at);
    errors.push(...wrong);
    if (wrong.length > 0 || roots.some(root => text.startsWith(`.${root}.`))) return;
    const [first, second] = roots;
    const under = second ? `either .${first} or .${second}` : `.${first}`;
    errors.push(invalidValue(at, text, `should be a json path under ${under}`));
  };
  check(specReplicasPath, 'specReplicasPath', ['spec']);
  check(statusReplicasPath, 'statusReplicasPath', ['status']);
  if (labelSelectorPath) check(labelSelectorPath, 'labelSelectorPath', ['spec', 'status']);
  return errors;
}

function validateSelectable(
  { selectableFields = [] }: CustomResourceDefinitionVersion,
  schema: JSONSchemaProps,
  path: FieldPath,
): FieldError[] {
  const seen = new Set<string>();
  const errors = selectableFields.flatMap(({ jsonPath }, i) => {
    const at = path.index(i).child('jsonPath');
    if (!jsonPath) return [required(at)];
    const found = findBelow(schema, jsonPath);
    if (typeof found === 'string')
      return [invalidValue(at, jsonPath, `is an invalid path: ${found}`)];
    const own: FieldError[] = [];
    if (jsonPath.startsWith('.metadata.')) {
      own.push(invalidValue(at, jsonPath, 'must not point to fields in metadata'));
    }
    if (!['string', 'boolean', 'integer'].includes(found.type ?? '')) {
      const why =
        'must point to a field of type string, boolean or integer. ' +
        'Enum string fields and strings with formats are allowed.';
      own.push(invalidValue(at, jsonPath, why));
    }
    if (seen.has(jsonPath)) own.push(duplicate(at, jsonPath));
    seen.add(jsonPath);
    return own;
  });
  if (seen.size > SELECTABLE_FIELDS_MAX) {
    errors.push(tooMany(path, seen.size, SELECTABLE_FIELDS_MAX));
  }
  return errors;
}

/** The schema that a path of fields leads to, or what is wrong with the path. */
function findBelow(schema: JSONSchemaProps, path: string): JSONSchemaProps | string {
  const fields = fieldsOfPath(path);
  if (fields === undefined) return 'must be a simple path of fields that begins with .';
  let found: JSONSchemaProps = schema;
  for (const field of fields) {
    const next = propertyOf(found, field);
    if (next === undefined) return `does not refer to a valid field: ${field} is not in the schema`;
    found = next;
  }
  return found;
}
