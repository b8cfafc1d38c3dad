import {
  type Informer,
  type KubeObject,
  Namespace,
  type PluginContext,
  type Selector,
  type StringMap,
} from 'kernetes/sdk';

/** The labels of all namespaces: what `namespaceSelector` selects by. */
export class NamespaceLabels {
  /** Changes when a namespace comes or goes or has other labels. */
  epoch = 0;
  readonly #namespaces: Informer<Namespace>;
  readonly #listeners = new Set<(namespace: string) => void>();

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    this.#namespaces = ctx.informer(Namespace, { fields: [] });
    this.#namespaces.on({
      added: namespace => this.#changed(namespace),
      updated: (namespace, old) => {
        const [now, before] = [namespace.metadata.labels, old.metadata.labels];
        if (JSON.stringify(now) !== JSON.stringify(before)) this.#changed(namespace);
      },
      deleted: namespace => this.#changed(namespace),
    });
  }

  of(namespace: string): Readonly<StringMap> {
    return this.#namespaces.get(namespace)?.metadata.labels ?? NO_LABELS;
  }

  selectedBy(selector: Selector): readonly string[] {
    return this.#namespaces
      .list()
      .filter(({ metadata }) => selector.matches(metadata.labels))
      .map(({ metadata }) => metadata.name ?? '');
  }

  onChange(listener: (namespace: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #changed({ metadata }: KubeObject): void {
    this.epoch++;
    for (const listener of this.#listeners) listener(metadata.name ?? '');
  }
}

const NO_LABELS: Readonly<StringMap> = Object.freeze({});
