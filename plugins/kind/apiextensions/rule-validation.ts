import {
  type Cel,
  CelCompileError,
  type CelType,
  compileMessage,
  compileRule,
  type FieldError,
  type FieldPath,
  invalidValue,
  itemsOf,
  type JSONSchemaProps,
  propertyOf,
  type Schema,
  type SchemaEngines,
  structureOf,
  type ValidationRule,
  valuesOf,
} from 'kernetes/sdk';

/** Rules must compile. Only for schemas that are otherwise right. */
export function compileAllRules(
  schema: JSONSchemaProps,
  path: FieldPath,
  engines: SchemaEngines,
): FieldError[] {
  const place: Place = { path, isResource: true, apart: undefined };
  return validateNode(schema, structureOf(schema), { place, engines });
}

interface Place {
  readonly path: FieldPath;
  readonly isResource: boolean;
  /** Where values from here on cannot be told from those before. */
  readonly apart: FieldPath | undefined;
}

interface NodeOptions {
  readonly place: Place;
  readonly engines: SchemaEngines;
}

function validateNode(
  schema: JSONSchemaProps,
  structure: Schema | undefined,
  { place, engines }: NodeOptions,
): FieldError[] {
  if (structure === undefined) return [];
  const { path } = place;
  const rules = schema['x-kubernetes-validations'] ?? [];
  const type: CelType = { schema: structure, resource: place.isResource };
  const errors = rules.flatMap((rule, i) => {
    const at = path.child('x-kubernetes-validations').index(i);
    return validateRule(rule, { at, type, cel: engines.cel, apart: place.apart });
  });
  const below = (
    child: JSONSchemaProps,
    own: Schema | undefined,
    at: FieldPath,
    apart: boolean,
  ) => {
    const isResource = child['x-kubernetes-embedded-resource'] === true;
    const next = { path: at, isResource, apart: place.apart ?? (apart ? path : undefined) };
    errors.push(...validateNode(child, own, { place: next, engines }));
  };
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic';
  for (const name of Object.keys(schema.properties ?? {})) {
    const property = propertyOf(schema, name);
    if (property === undefined || (place.isResource && name === 'metadata')) continue;
    below(property, structure.properties.get(name), path.child('properties').key(name), isAtomic);
  }
  const values = valuesOf(schema);
  if (values) {
    below(values, structure.additionalProperties, path.child('additionalProperties'), false);
  }
  const items = itemsOf(schema);
  const isList = schema['x-kubernetes-list-type'] !== 'map';
  if (items) below(items, structure.items, path.child('items'), isList);
  return errors;
}

interface RuleOptions {
  readonly at: FieldPath;
  readonly type: CelType;
  readonly cel: Cel;
  readonly apart: FieldPath | undefined;
}

function validateRule(rule: ValidationRule, { at, type, cel, apart }: RuleOptions): FieldError[] {
  const { messageExpression: _message, ...bare } = rule;
  let usesOld = false;
  const errors = refused(at.child('rule'), rule, 'compilation failed: ', () => {
    usesOld = compileRule(bare, type, cel).usesOld;
  });
  const prefix = 'messageExpression compilation failed: ';
  errors.push(
    ...refused(at.child('messageExpression'), rule, prefix, () => {
      compileMessage(rule, { self: type, oldSelf: type }, cel);
    }),
  );
  if (usesOld && apart) {
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${apart}`;
    errors.push(invalidValue(at.child('rule'), rule.rule, why));
  }
  if (errors.length === 0 && !usesOld && rule.optionalOldSelf !== undefined) {
    const why = 'may not be set if oldSelf is not used in rule';
    errors.push(invalidValue(at.child('optionalOldSelf'), rule.optionalOldSelf, why));
  }
  return errors;
}

function refused(
  at: FieldPath,
  rule: ValidationRule,
  prefix: string,
  compile: () => void,
): FieldError[] {
  try {
    compile();
    return [];
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    const isMessage = prefix.startsWith('messageExpression');
    const type = isMessage
      ? 'messageExpression must evaluate to a string'
      : 'cel expression must evaluate to a bool';
    const why = error.kind === 'result' ? type : prefix + error.message;
    return [invalidValue(at, rule, why)];
  }
}
