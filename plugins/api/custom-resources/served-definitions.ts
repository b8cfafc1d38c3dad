import type {
  Contributions,
  CustomResourceDefinition,
  Disposer,
  KindDefinition,
  SchemaEngines,
  ServedKind,
} from 'kernetes/sdk';
import { isConditionTrue } from './conditions.ts';
import { servedVersions } from './conversion.ts';
import { kindOf } from './kind.ts';
import type { Convert } from './webhook-converter.ts';

export interface ServedDefinitionsOptions {
  readonly engines: SchemaEngines;
  /** What makes objects of a definition's versions of one another, if that is somebody else. */
  readonly converter: (definition: CustomResourceDefinition) => Convert | undefined;
  readonly provide: (kind: KindDefinition, name: string) => Disposer;
  /** What the kernel says that it serves. */
  readonly served: Contributions<ServedKind>;
  /** Whether something built in has the resource. */
  readonly isTaken: (group: string, resource: string) => boolean;
}

/** The kinds that definitions have made so far. */
export class ServedDefinitions {
  readonly #options: ServedDefinitionsOptions;
  readonly #contributions = new Map<string, { text: string; withdraw: Disposer }>();

  constructor(options: ServedDefinitionsOptions) {
    this.#options = options;
  }

  /**
   * Serves a definition as it is now, in the place of what it was; nothing happens when it is
   * served as such already, or its names are not accepted.
   */
  async serve(definition: CustomResourceDefinition): Promise<void> {
    const { converter, engines, isTaken, provide } = this.#options;
    const { name = '' } = definition.metadata;
    const text = whatMatters(definition);
    if (this.#contributions.get(name)?.text === text) return;
    const { group, names } = definition.spec;
    const isServable = servedVersions(definition.spec).length > 0 && !isTaken(group, names.plural);
    if (!isServable || !definition.status?.acceptedNames?.plural) return this.withdraw(name);
    await engines.load(definition.spec.versions.map(({ schema }) => schema?.openAPIV3Schema));
    const kind = kindOf(definition, engines, converter(definition));
    // Both in one turn: the kernel then sees one kind become another.
    void this.#contributions.get(name)?.withdraw();
    this.#contributions.set(name, { text, withdraw: provide(kind, name) });
  }

  withdraw(name: string): void {
    void this.#contributions.get(name)?.withdraw();
    this.#contributions.delete(name);
  }

  isProvided(name: string): boolean {
    return this.#contributions.has(name);
  }

  /** Resolves when the kernel serves the resource. */
  isServed(group: string, resource: string, signal: AbortSignal): Promise<void> {
    const { served } = this.#options;
    const isThere = () =>
      served.list().some(({ value }) => value.group === group && value.resource === resource);
    if (isThere()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      const stop = served.onChange(() => {
        if (!isThere()) return;
        void stop();
        signal.removeEventListener('abort', abort);
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}

/** What of a definition makes another kind. */
function whatMatters(definition: CustomResourceDefinition): string {
  const { spec, status } = definition;
  const isTerminating = isConditionTrue(definition, 'Terminating');
  return JSON.stringify([spec, status?.acceptedNames, status?.storedVersions, isTerminating]);
}
