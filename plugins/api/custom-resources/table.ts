import {
  type CustomResourceColumnDefinition,
  compileJsonPath,
  type JsonPath,
  type KindVersion,
  type TableCell,
  type TableColumn,
  translateTimestamp,
} from 'kernetes/sdk';

/** Columns and cells as a definition says; without, or when one cannot be read, Name and Age. */
export function printerOf(
  definitions: readonly CustomResourceColumnDefinition[] = [],
): Pick<KindVersion, 'columns' | 'row'> {
  if (definitions.length === 0) return {};
  let paths: JsonPath[];
  try {
    paths = definitions.map(({ jsonPath }) => compileJsonPath(jsonPath));
  } catch {
    // Upstream, too, accepts such a definition and prints without its columns.
    return {};
  }
  const columns: TableColumn[] = [NAME, ...definitions.map(columnOf)];
  return {
    columns,
    row: (object, now) => [
      object.metadata.name ?? '',
      ...paths.map((path, i) => cellOf(path(object)[0], definitions[i]?.type ?? '', now)),
    ],
  };
}

const NAME: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some ' +
    'resources may allow a client to request the generation of an appropriate name automatically. ' +
    'Name is primarily intended for creation idempotence and configuration definition. Cannot be ' +
    'updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
  priority: 0,
};

function columnOf(definition: CustomResourceColumnDefinition): TableColumn {
  const { name, type, format = '', priority = 0, jsonPath } = definition;
  const description =
    definition.description || `Custom resource definition column (in JSONPath format): ${jsonPath}`;
  return { name, type, format, description, priority };
}

function cellOf(value: unknown, type: string, now: number): TableCell {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    case 'date':
      return typeof value === 'string' ? ageOf(value, now) : null;
    default:
      return null;
  }
}

function ageOf(time: string, now: number): string {
  return Number.isNaN(Date.parse(time)) ? '<invalid>' : translateTimestamp(time, now);
}
