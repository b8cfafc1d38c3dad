import {
  apiVersionOf,
  type Contributions,
  type Informer,
  type Kind,
  type KindDefinition,
  type KubeObject,
  type ParamKind,
  type ParamRef,
  selectorFrom,
} from 'kernetes/sdk';

export interface ParamsOptions {
  readonly kinds: Contributions<KindDefinition>;
  readonly open: (kind: Kind) => Informer<KubeObject>;
}

/** Finds the parameters of policies, in copies of their kinds. */
export class Params {
  readonly #options: ParamsOptions;
  readonly #copies = new Map<
    string,
    { readonly kind: Kind; readonly informer: Informer<KubeObject> }
  >();

  constructor(options: ParamsOptions) {
    this.#options = options;
  }

  /** Keeps copies of these kinds and no others. What is not served is looked for once more later. */
  keep(wanted: readonly ParamKind[]): void {
    const ids = new Set(wanted.map(idOf));
    for (const [id, { informer }] of this.#copies) {
      if (ids.has(id)) continue;
      informer.close();
      this.#copies.delete(id);
    }
    for (const each of wanted) this.#copyOf(each);
  }

  /** Drops the copies of kinds that are no longer served. */
  renew(): void {
    for (const [id, { kind, informer }] of this.#copies) {
      const { kind: name } = kind;
      if (this.#kindOf({ apiVersion: apiVersionOf(kind), kind: name })) continue;
      informer.close();
      this.#copies.delete(id);
    }
  }

  /** Throws an `Error` that says how the binding is wrong. Empty: there are none, and need not be. */
  async find(paramKind: ParamKind, ref: ParamRef, namespace: string): Promise<KubeObject[]> {
    const copy = this.#copyOf(paramKind);
    if (copy === undefined) {
      throw new Error(`paramKind kind \`${idOf(paramKind)}\` not known`);
    }
    await copy.informer.synced;
    const where = namespaceFor(copy.kind, ref, namespace);
    const found = select(copy.informer, ref, where);
    if (found.length > 0 || ref.parameterNotFoundAction !== 'Deny') return found;
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction');
  }

  #copyOf(wanted: ParamKind) {
    const id = idOf(wanted);
    const known = this.#copies.get(id);
    if (known) return known;
    const kind = this.#kindOf(wanted);
    if (kind === undefined) return undefined;
    const made = { kind, informer: this.#options.open(kind) };
    this.#copies.set(id, made);
    return made;
  }

  #kindOf({ apiVersion, kind }: ParamKind): Kind | undefined {
    for (const { value } of this.#options.kinds.list()) {
      if (value.kind !== kind || value.virtual) continue;
      const { group, resource, namespaced } = value;
      const found = value.versions.find(
        ({ name }) => apiVersionOf({ group, version: name }) === apiVersion,
      );
      if (found) return { group, version: found.name, kind, resource, namespaced };
    }
    return undefined;
  }
}

function idOf({ apiVersion = '', kind = '' }: ParamKind): string {
  return `${apiVersion}, Kind=${kind}`;
}

function namespaceFor({ namespaced }: Kind, ref: ParamRef, namespace: string): string {
  if (!namespaced) {
    if (!ref.namespace) return '';
    throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const where = ref.namespace || namespace;
  if (where) return where;
  throw new Error(
    'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
  );
}

function select(informer: Informer<KubeObject>, ref: ParamRef, namespace: string): KubeObject[] {
  if (ref.name) {
    const found = informer.get(namespace ? `${namespace}/${ref.name}` : ref.name);
    return found ? [found] : [];
  }
  const selector = selectorFrom(ref.selector);
  const all = namespace ? informer.list(namespace) : informer.list();
  return all.filter(({ metadata }) => selector.matches(metadata.labels));
}
