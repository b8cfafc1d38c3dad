import {
  APIService as API_SERVICE,
  type APIService,
  ApiError,
  atRelease,
  builtInPriority,
  type Contributions,
  CUSTOM_PRIORITY,
  type Informer,
  type KindDefinition,
  type ObjectClient,
} from 'kernetes/sdk';

export interface LocalServicesOptions {
  readonly objects: Pick<ObjectClient, 'batch' | 'delete'>;
  readonly services: Pick<Informer<APIService>, 'get' | 'list'>;
  readonly kinds: Contributions<KindDefinition>;
  /** The minor release whose versions are served; 0: all. */
  readonly release: number;
}

/** Keeps an APIService for each group version that this server has itself. */
export class LocalServices {
  readonly #options: LocalServicesOptions;
  /** What was served at any time: before all plugins are there, what is missing may come yet. */
  readonly #seen = new Set<string>();

  constructor(options: LocalServicesOptions) {
    this.#options = options;
  }

  async reconcile(): Promise<void> {
    const { services } = this.#options;
    const wanted = new Map(this.#groupVersions().map(each => [nameOf(each), each]));
    for (const name of wanted.keys()) this.#seen.add(name);
    const missing = [...wanted].filter(([name]) => services.get(name) === undefined);
    await this.#create(missing.map(([, each]) => each));
    for (const service of services.list()) {
      const name = service.metadata.name ?? '';
      if (!isOurs(service) || wanted.has(name) || !this.#isOver(service, wanted)) continue;
      await this.#delete(name);
    }
  }

  #groupVersions(): GroupVersion[] {
    const { kinds, release } = this.#options;
    const all = kinds.list().flatMap(({ value }) => {
      if (value.isStandIn) return [];
      const versions = atRelease(value, release)?.versions ?? [];
      return versions.map(({ name: version }) => ({ group: value.group, version }));
    });
    const unique = new Map(all.map(each => [nameOf(each), each]));
    // What describes all others is described by none.
    return [...unique.values()].filter(({ group }) => group !== API_SERVICE.group);
  }

  /** It went, or is of a built-in group of which others are there. */
  #isOver({ metadata, spec }: APIService, wanted: ReadonlyMap<string, GroupVersion>): boolean {
    if (this.#seen.has(metadata.name ?? '')) return true;
    const { group = '', version = '' } = spec ?? {};
    if (builtInPriority(group, version) === undefined) return false;
    return [...wanted.values()].some(each => each.group === group);
  }

  async #create(missing: readonly GroupVersion[]): Promise<void> {
    if (missing.length === 0) return;
    const { group, version, resource } = API_SERVICE;
    const results = await this.#options.objects.batch(
      missing.map(each => ({
        verb: 'create',
        group,
        version,
        resource,
        body: localService(each),
      })),
    );
    for (const result of results) {
      if (!result.ok && !ApiError.is(result.error, 'AlreadyExists')) throw result.error;
    }
  }

  async #delete(name: string): Promise<void> {
    try {
      await this.#options.objects.delete(API_SERVICE, { name });
    } catch (error) {
      if (!ApiError.is(error, 'NotFound')) throw error;
    }
  }
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

function nameOf({ group, version }: GroupVersion): string {
  return `${version}.${group}`;
}

/** Nobody else's, and none that a person gave to another server since. */
function isOurs({ metadata, spec }: APIService): boolean {
  return metadata.labels?.[MANAGED] !== undefined && spec?.service === undefined;
}

function localService({ group, version }: GroupVersion): APIService {
  const builtIn = builtInPriority(group, version);
  const priority = builtIn ?? CUSTOM_PRIORITY;
  const labels = { [MANAGED]: builtIn ? 'onstart' : 'true' };
  return {
    apiVersion: `${API_SERVICE.group}/${API_SERVICE.version}`,
    kind: API_SERVICE.kind,
    metadata: { name: nameOf({ group, version }), labels },
    spec: {
      group,
      version,
      groupPriorityMinimum: priority.group,
      versionPriority: priority.version,
    },
  };
}

const MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
