import {
  builtInSchema,
  defineKind,
  type Kind,
  type KindDefinition,
  type KindVersion,
  type KubeObject,
} from 'kernetes/sdk';

/** What one kind of the core group has of its own; the rest follows from its name. */
export type CoreKindOptions<T extends KubeObject> = Pick<
  KindDefinition<T>,
  | 'shortNames'
  | 'categories'
  | 'isNamespace'
  | 'verbs'
  | 'standsFor'
  | 'strategy'
  | 'subresources'
  | 'selectableFields'
  | 'virtual'
  | 'earlier'
> &
  Pick<KindVersion<T>, 'defaults' | 'columns' | 'row' | 'deprecation'> & {
    /** Where it is kept below `registry/`; default: its plural. */
    readonly directory?: string;
  };

/** A kind of core/v1. */
export function coreKind<T extends KubeObject>(
  kind: Kind<T>,
  options: CoreKindOptions<T>,
): KindDefinition {
  const { defaults, columns, row, deprecation, directory = kind.resource, ...own } = options;
  return defineKind<T>({
    group: '',
    kind: kind.kind,
    resource: kind.resource,
    singular: kind.kind.toLowerCase(),
    namespaced: kind.namespaced,
    storage: { prefix: `registry/${directory}`, version: 'v1' },
    versions: [
      {
        name: 'v1',
        schema: builtInSchema('', 'v1', kind.kind),
        ...(defaults && { defaults }),
        ...(columns && { columns }),
        ...(row && { row }),
        ...(deprecation && { deprecation }),
      },
    ],
    ...own,
  });
}
