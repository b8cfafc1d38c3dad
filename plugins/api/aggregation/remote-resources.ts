import type { RemoteResource } from 'kernetes/sdk';

/** An entry of an APIResourceList, as far as it is what it should be. */
interface Entry {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

/** From the list that a server has at `/apis/<group>/<version>`; what is no entry is left out. */
export function remoteResources(
  list: unknown,
  groupVersion: { readonly group: string; readonly version: string },
): readonly RemoteResource[] {
  const { resources } = (list ?? {}) as { resources?: unknown };
  if (!Array.isArray(resources)) return [];
  const entries = resources.flatMap(each => entryOf(each, groupVersion));
  return entries
    .filter(({ name }) => !name.includes('/'))
    .map(entry => {
      const below = entries.filter(({ name }) => name.startsWith(`${entry.name}/`));
      return {
        resource: entry.name,
        responseKind: responseKindOf(entry),
        scope: entry.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: entry.singularName,
        verbs: entry.verbs,
        ...(entry.shortNames.length > 0 && { shortNames: entry.shortNames }),
        ...(entry.categories.length > 0 && { categories: entry.categories }),
        ...(below.length > 0 && {
          subresources: below.map(each => ({
            subresource: each.name.slice(entry.name.length + 1),
            responseKind: responseKindOf(each),
            verbs: each.verbs,
          })),
        }),
      };
    });
}

function responseKindOf({ group, version, kind }: Entry) {
  return { group, version, kind };
}

function entryOf(
  value: unknown,
  own: { readonly group: string; readonly version: string },
): Entry[] {
  if (typeof value !== 'object' || value === null) return [];
  const fields = value as Record<string, unknown>;
  const name = text(fields.name);
  if (name === '') return [];
  return [
    {
      name,
      singularName: text(fields.singularName),
      namespaced: fields.namespaced === true,
      kind: text(fields.kind),
      group: text(fields.group) || own.group,
      version: text(fields.version) || own.version,
      verbs: texts(fields.verbs),
      shortNames: texts(fields.shortNames),
      categories: texts(fields.categories),
    },
  ];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : [];
}
