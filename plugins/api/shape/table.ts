import {
  type KindVersion,
  type KubeObject,
  type Shape,
  type ShapeContext,
  type ShapeTransform,
  type TableCell,
  type TableColumn,
  translateTimestamp,
} from 'kernetes/sdk';
import { shapeVersion, toPartial } from './partial-object-metadata.ts';

/** Objects as rows under the columns of their kind. */
export const table: ShapeTransform = {
  name: 'Table',
  one(object, context, first) {
    const { resourceVersion } = object.metadata;
    const meta = resourceVersion === undefined ? {} : { resourceVersion };
    return toTable([object], { meta, context, headers: first });
  },
  list: (objects, meta, context) => toTable(objects, { meta, context, headers: true }),
};

interface ToTableOptions {
  readonly meta: object;
  readonly context: ShapeContext;
  readonly headers: boolean;
}

function toTable(objects: readonly KubeObject[], options: ToTableOptions): object {
  const { meta, context, headers } = options;
  const { version, shape, now } = context;
  const toCells = version.row ?? defaultCells;
  return {
    kind: 'Table',
    apiVersion: shapeVersion(shape),
    metadata: meta,
    columnDefinitions: headers ? columnDefinitions(version) : null,
    rows: objects.map(object => ({
      cells: toCells(object, now),
      object: beside(object, shape),
    })),
  };
}

/** What stands beside the cells; absent there is a `null`. */
function beside(object: KubeObject, shape: Shape): object | null {
  switch (shape.includeObject) {
    case 'None':
      return null;
    case 'Object':
      return object;
    default:
      return toPartial(object, shape);
  }
}

/** Every key is there, as upstream prints them. */
function columnDefinitions(version: KindVersion): object[] {
  const columns = version.row && version.columns ? version.columns : DEFAULT_COLUMNS;
  return columns.map(({ name, type, format = '', description = '', priority }) => {
    return { name, type, format, description, priority };
  });
}

function defaultCells({ metadata }: KubeObject, now: number): readonly TableCell[] {
  return [metadata.name ?? '', translateTimestamp(metadata.creationTimestamp, now)];
}

const DEFAULT_COLUMNS: readonly TableColumn[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    priority: 0,
    description: 'The name of the object, unique among those of its kind and namespace.',
  },
  {
    name: 'Age',
    type: 'string',
    priority: 0,
    description: 'How long ago the object was created.',
  },
];
