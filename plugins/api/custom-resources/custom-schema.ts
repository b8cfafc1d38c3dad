import {
  compileDefaults,
  compileValidator,
  type Defaulter,
  duplicatesIn,
  type FieldError,
  type JSONSchemaProps,
  type KubeObject,
  prune,
  type Schema,
  type SchemaDefinition,
  type SchemaEngines,
  schemaFrom,
  type Validator,
} from 'kernetes/sdk';
import { embeddedErrors } from './embedded.ts';

/** A version's schema in its forms, each made when it is first needed. */
export class CustomSchema {
  readonly props: JSONSchemaProps;
  readonly #engines: SchemaEngines;
  #structure: Schema | undefined;
  #validator: Validator | undefined;
  #defaulter: Defaulter | undefined | 'none';

  constructor(props: JSONSchemaProps, engines: SchemaEngines) {
    this.props = props;
    this.#engines = engines;
  }

  /** For the decoder, patches, managedFields and OpenAPI. */
  get structure(): Schema {
    this.#structure ??= schemaFrom(withMetadata(this.props));
    return this.#structure;
  }

  setDefaults(object: KubeObject): void {
    this.#defaulter ??= compileDefaults(this.props) ?? 'none';
    if (this.#defaulter !== 'none') this.#defaulter(object);
  }

  /** What an object has become by now; itself when the schema has nothing to say. */
  refresh(object: KubeObject): KubeObject {
    const isStale = prune(object, this.props, { isRoot: true, dryRun: true });
    if (!isStale && this.#isComplete(object)) return object;
    const fresh = structuredClone(object);
    prune(fresh, this.props, { isRoot: true, dryRun: false });
    this.setDefaults(fresh);
    return fresh;
  }

  validate(object: KubeObject, old: KubeObject | undefined): FieldError[] {
    this.#validator ??= compileValidator(this.props, this.#engines);
    const errors = [...this.#validator(object, old), ...embeddedErrors(object, this.props)];
    const isNew = old === undefined || duplicatesIn(old, this.props).length === 0;
    if (isNew) errors.push(...duplicatesIn(object, this.props));
    return errors;
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

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** What every object has, which its schema need not say. */
function withMetadata(props: JSONSchemaProps): SchemaDefinition {
  const { apiVersion, kind, metadata: _metadata, ...own } = props.properties ?? {};
  const properties = {
    apiVersion: { ...API_VERSION, ...apiVersion },
    kind: { ...KIND, ...kind },
    metadata: { $ref: `#/definitions/${META}ObjectMeta` },
    ...own,
  };
  // Whatever else is in it stands in OpenAPI documents as it is.
  return { type: 'object', ...props, properties } as SchemaDefinition;
}

const API_VERSION = {
  description:
    'APIVersion defines the versioned schema of this representation of an object. Servers should ' +
    'convert recognized schemas to the latest internal value, and may reject unrecognized values. ' +
    'More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
  type: 'string',
};
const KIND = {
  description:
    'Kind is a string value representing the REST resource this object represents. Servers may ' +
    'infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. ' +
    'More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
  type: 'string',
};
