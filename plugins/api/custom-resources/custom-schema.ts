import {
  compileDefaults,
  compileRules,
  compileValidator,
  type Defaulter,
  duplicatesIn,
  type FieldError,
  invalidValue,
  type JSONSchemaProps,
  type KubeObject,
  prune,
  type RuleChecker,
  type Schema,
  type SchemaEngines,
  structureOf,
  type Validator,
} from 'kernetes/sdk';
import { embeddedErrors } from './embedded.ts';

/** A version's schema in its forms, each made when it is first needed. */
export class CustomSchema {
  readonly props: JSONSchemaProps;
  /** Fields that nobody specifies are kept, and none are filled in: a schema of v1beta1's. */
  readonly #isFree: boolean;
  readonly #engines: SchemaEngines;
  #structure: Schema | undefined;
  #validator: Validator | undefined;
  #rules: RuleChecker | undefined | 'none';
  #defaulter: Defaulter | undefined | 'none';

  constructor(props: JSONSchemaProps, engines: SchemaEngines, { isFree = false } = {}) {
    this.props = props;
    this.#isFree = isFree;
    this.#engines = engines;
  }

  /** For the decoder, patches, managedFields and OpenAPI. */
  get structure(): Schema {
    this.#structure ??= structureOf(this.#isFree ? ANYTHING : this.props);
    return this.#structure;
  }

  setDefaults(object: KubeObject): void {
    if (this.#isFree) return;
    this.#defaulter ??= compileDefaults(this.props) ?? 'none';
    if (this.#defaulter !== 'none') this.#defaulter(object);
  }

  /** What an object has become by now; itself when the schema has nothing to say. */
  refresh(object: KubeObject): KubeObject {
    if (this.#isFree) return object;
    const isStale = prune(object, this.props, { isRoot: true, dryRun: true });
    if (!isStale && this.#isComplete(object)) return object;
    const fresh = structuredClone(object);
    prune(fresh, this.props, { isRoot: true, dryRun: false });
    this.setDefaults(fresh);
    return fresh;
  }

  validate(object: KubeObject, old: KubeObject | undefined): FieldError[] {
    this.#validator ??= compileValidator(this.props, this.#engines);
    if (this.#isFree) return this.#validator(object, old);
    const errors = [...this.#validator(object, old), ...embeddedErrors(object, this.props)];
    const isNew = old === undefined || duplicatesIn(old, this.props).length === 0;
    if (isNew) errors.push(...duplicatesIn(object, this.props));
    return [...errors, ...this.#checkRules(object, old, errors)];
  }

  /** Rules count on a value that is of its schema's form. */
  #checkRules(
    object: KubeObject,
    old: KubeObject | undefined,
    found: readonly FieldError[],
  ): FieldError[] {
    this.#rules ??= compileRules(this.props, this.structure, this.#engines) ?? 'none';
    if (this.#rules === 'none') return [];
    if (!found.some(({ reason }) => BLOCKING.has(reason))) return this.#rules(object, old);
    const why =
      'some validation rules were not checked because the object was invalid; ' +
      'correct the existing errors to complete validation';
    return [invalidValue('<nil>', 'null', why)];
  }

  /** Whether defaults would not change it. They only add, so a copy tells by its size. */
  #isComplete(object: KubeObject): boolean {
    this.#defaulter ??= compileDefaults(this.props) ?? 'none';
    if (this.#defaulter === 'none') return true;
    const copy = structuredClone(object);
    this.#defaulter(copy);
    return JSON.stringify(copy).length === JSON.stringify(object).length;
  }
}

const ANYTHING = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;

const BLOCKING = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
