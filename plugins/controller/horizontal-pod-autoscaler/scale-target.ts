import {
  ApiError,
  type Contributions,
  type CrossVersionObjectReference,
  type ObjectClient,
  type ObjectRequest,
  type Scale,
  type ServedKind,
  unknownResource,
} from 'kernetes/sdk';

/** The scale of what an autoscaler scales. */
export interface ScaleTarget {
  readonly kind: ServedKind;
  readonly scale: Scale;
}

/** A reference that names nothing that is served. The message is upstream's. */
export class UnknownTarget extends Error {
  override name = 'UnknownTarget';
}

/**
 * Reads and writes the `scale` subresource of any kind that has one, custom resources included: the
 * version of the reference does not matter, as upstream.
 */
export class ScaleTargets {
  readonly #objects: ObjectClient;
  readonly #served: Contributions<ServedKind>;

  constructor(objects: ObjectClient, served: Contributions<ServedKind>) {
    this.#objects = objects;
    this.#served = served;
  }

  /** Rejects with an `UnknownTarget` or an `ApiError`. */
  async read(reference: CrossVersionObjectReference, namespace: string): Promise<ScaleTarget> {
    const kind = this.#kindOf(reference);
    if (!kind.namespaced) throw unknownResource();
    const request = scaleRequest('get', { kind, namespace, name: reference.name });
    return { kind, scale: await this.#objects.request<Scale>(request) };
  }

  /** In vain only when somebody else writes to it all the time. */
  async write({ kind, scale }: ScaleTarget, replicas: number): Promise<void> {
    const { namespace = '', name = '' } = scale.metadata;
    const at = { kind, namespace, name };
    let latest = scale;
    for (let attempt = 1; ; attempt++) {
      const body = { ...latest, spec: { ...latest.spec, replicas } };
      try {
        await this.#objects.request({ ...scaleRequest('update', at), body });
        return;
      } catch (error) {
        if (!ApiError.is(error, 'Conflict') || attempt === ATTEMPTS_MAX) throw error;
      }
      latest = await this.#objects.request<Scale>(scaleRequest('get', at));
    }
  }

  #kindOf({ apiVersion = '', kind }: CrossVersionObjectReference): ServedKind {
    const parts = apiVersion.split('/');
    if (parts.length > 2) {
      throw new UnknownTarget(`unexpected GroupVersion string: ${apiVersion}`);
    }
    const group = parts.length === 2 ? (parts[0] ?? '') : '';
    const found = this.#served
      .list()
      .find(({ value }) => value.group === group && value.kind === kind);
    if (found) return found.value;
    const [kindText, groupText] = [kind, group].map(text => JSON.stringify(text));
    throw new UnknownTarget(`no matches for kind ${kindText} in group ${groupText}`);
  }
}

function scaleRequest(
  verb: 'get' | 'update',
  at: { readonly kind: ServedKind; readonly namespace: string; readonly name: string },
): ObjectRequest {
  const { group, version, resource } = at.kind;
  const { namespace, name } = at;
  return { verb, group, version, resource, subresource: 'scale', namespace, name };
}

/** As many as client-go makes. */
const ATTEMPTS_MAX = 5;
