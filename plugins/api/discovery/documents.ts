import { createHash } from 'node:crypto';
import {
  ALL_VERBS,
  type ApiPriority,
  apiVersionOf,
  builtInPriority,
  type Connector,
  CUSTOM_PRIORITY,
  compareVersions,
  inVersion,
  isInRelease,
  type KindDefinition,
  type KindVersion,
  type RemoteDiscovery,
  type RemoteVersion,
  type ShownKinds,
  type Verb,
} from 'kernetes/sdk';

/** A kind in one of its versions: one entry of a group version's list. */
interface Entry {
  readonly kind: KindDefinition;
  readonly version: KindVersion;
  readonly connectors: readonly Connector[];
}

/** A document as it is sent. */
export interface EncodedDocument {
  readonly body: string;
  readonly etag: string;
}

export interface ServedGroupsOptions {
  /** The versions that other servers serve. */
  readonly remotes?: readonly RemoteVersion[];
  /** The minor release of Kubernetes to be like; 0: the newest. */
  readonly release?: number;
}

/** What is served, grouped as discovery shows it. */
export class ServedGroups {
  /** What was made of them, by its form. */
  readonly encoded = new Map<string, EncodedDocument>();
  readonly hasSingularNames: boolean;
  readonly #entries: readonly Entry[];
  readonly #remotes: readonly RemoteVersion[];

  constructor(
    { list, connectors }: Pick<ShownKinds, 'list' | 'connectors'>,
    { remotes = [], release = 0 }: ServedGroupsOptions = {},
  ) {
    this.#remotes = remotes.filter(({ discovery }) => discovery !== undefined);
    this.hasSingularNames = isInRelease(SINGULAR_NAMES, release);
    this.#entries = list().flatMap(kind =>
      kind.versions.map(version => {
        return { kind: inVersion(kind, version), version, connectors: connectors(kind) };
      }),
    );
  }

  /** Names by their priority; the core group (empty) is not among them. */
  groups(): string[] {
    const local = this.#entries.map(({ kind }) => kind.group);
    const all = unique([...local, ...this.#remotes.map(({ group }) => group)]);
    const priorities = new Map(all.map(group => [group, this.#groupPriority(group)]));
    const of = (group: string) => priorities.get(group) ?? 0;
    return all.filter(group => group !== '').sort((a, b) => of(b) - of(a) || (a < b ? -1 : 1));
  }

  /** Best first: by priority, then stable before beta before alpha, newer before older. */
  versions(group: string): string[] {
    const local = this.#of(group).map(({ version }) => version.name);
    const remote = this.#remotes.filter(each => each.group === group);
    const names = unique([...local, ...remote.map(({ version }) => version)]);
    const priorities = new Map(names.map(name => [name, this.#priority(group, name).version]));
    const of = (name: string) => priorities.get(name) ?? 0;
    return names.sort((a, b) => of(b) - of(a) || compareVersions(a, b));
  }

  remote(group: string, version: string): RemoteDiscovery | undefined {
    return this.#remotes.find(each => each.group === group && each.version === version)?.discovery;
  }

  #groupPriority(group: string): number {
    const versions = this.versions(group);
    return Math.max(...versions.map(version => this.#priority(group, version).group));
  }

  #priority(group: string, version: string): ApiPriority {
    const own = this.remote(group, version)?.priority ?? builtInPriority(group, version);
    return own ?? CUSTOM_PRIORITY;
  }

  entries(group: string, version: string): Entry[] {
    return this.#of(group)
      .filter(entry => entry.version.name === version)
      .sort((a, b) => (a.kind.resource < b.kind.resource ? -1 : 1));
  }

  #of(group: string): Entry[] {
    return this.#entries.filter(({ kind }) => kind.group === group);
  }
}

/** `/api` */
export function coreVersions(groups: ServedGroups, host: string): object {
  return {
    kind: 'APIVersions',
    versions: groups.versions(''),
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
  };
}

/** `/apis` */
export function groupList(groups: ServedGroups): object {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.groups().map(group => describeGroup(groups, group)),
  };
}

/** `/apis/<group>`; undefined when nothing of it is served. */
export function oneGroup(groups: ServedGroups, group: string): object | undefined {
  if (!groups.groups().includes(group)) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(groups, group) };
}

/** `/apis/<group>/<version>` */
export function resourceList(
  groups: ServedGroups,
  group: string,
  version: string,
): object | undefined {
  const entries = groups.entries(group, version);
  if (entries.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(group && { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version }),
    resources: entries.flatMap(entry => [describeResource(entry, groups), ...subresources(entry)]),
  };
}

/** Aggregated discovery (KEP-3352): everything of `/api` or `/apis` in one document. */
export function aggregated(groups: ServedGroups, core: boolean, apiVersion: string): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion,
    metadata: {},
    items: (core ? [''] : groups.groups()).map(group => ({
      metadata: { ...(group && { name: group }), creationTimestamp: null },
      versions: groups.versions(group).map(version => {
        const remote = groups.remote(group, version);
        const resources = remote?.resources ?? groups.entries(group, version).map(discoverResource);
        return { version, resources, freshness: remote?.isStale ? 'Stale' : 'Current' };
      }),
    })),
  };
}

function describeGroup(groups: ServedGroups, group: string) {
  const versions = groups.versions(group).map(version => ({
    groupVersion: apiVersionOf({ group, version }),
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function describeResource({ kind, version }: Entry, { hasSingularNames }: ServedGroups) {
  const stored = kind.storage.group ?? kind.group;
  const isStored = kind.virtual === undefined && kind.standsFor === undefined;
  return {
    name: kind.resource,
    singularName: hasSingularNames ? kind.singular : '',
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.verbs ?? ALL_VERBS,
    ...(kind.shortNames?.length && { shortNames: kind.shortNames }),
    ...(kind.categories?.length && { categories: kind.categories }),
    ...(isStored && {
      storageVersionHash: storageHash(stored, kind.storage.version || version.name, kind.kind),
    }),
  };
}

function subresources(entry: Entry) {
  const { kind } = entry;
  return subresourcesOf(entry)
    .map(({ name, verbs, body }) => ({
      name: `${kind.resource}/${name}`,
      singularName: '',
      namespaced: kind.namespaced,
      ...(body && (body.group !== kind.group || body.version !== entry.version.name)
        ? { group: body.group, version: body.version }
        : {}),
      kind: body?.kind ?? kind.kind,
      verbs: [...verbs].sort(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function discoverResource(entry: Entry) {
  const { kind, version } = entry;
  const subs = subresourcesOf(entry);
  return {
    resource: kind.resource,
    responseKind: { group: kind.group, version: version.name, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs ?? ALL_VERBS,
    ...(kind.shortNames?.length && { shortNames: kind.shortNames }),
    ...(kind.categories?.length && { categories: kind.categories }),
    ...(subs.length > 0 && {
      subresources: subs.map(({ name, verbs, body }) => ({
        subresource: name,
        responseKind: body
          ? { group: body.group, version: body.version, kind: body.kind }
          : { group: kind.group, version: version.name, kind: kind.kind },
        verbs: [...verbs].sort(),
      })),
    }),
  };
}

interface Listed {
  readonly name: string;
  readonly verbs: readonly Verb[];
  readonly body?: { readonly group: string; readonly version: string; readonly kind: string };
}

/** `status` needs no entry of its own in a definition. */
function subresourcesOf({ kind, version, connectors }: Entry): Listed[] {
  const listed: Listed[] = [
    ...(kind.subresources ?? []),
    ...connectors.map(({ subresource: name, verbs, kind: options }) => {
      return { name, verbs, body: { group: kind.group, version: version.name, kind: options } };
    }),
  ];
  if (kind.strategy.status && !listed.some(({ name }) => name === 'status')) {
    listed.push({ name: 'status', verbs: ['get', 'patch', 'update'] });
  }
  return listed;
}

/** Upstream's: tells clients whether two group versions keep the same object. */
function storageHash(group: string, version: string, kind: string): string {
  const hash = createHash('sha256').update(`${group}/${version}/${kind}`).digest();
  return hash.subarray(0, 8).toString('base64');
}

/** Before, clients made them of the names of kinds. */
const SINGULAR_NAMES = { since: 27 };

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
