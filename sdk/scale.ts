import type { Scale } from './api/types-autoscaling-v1.ts';
import { nonNegative } from './field-validation.ts';
import type { KubeObject } from './kind.ts';
import {
  defineSubresource,
  type Subresource,
  type TableCell,
  type TableColumn,
} from './kind-definition.ts';
import { builtInSchema } from './schema.ts';
import { invalid } from './status.ts';
import { AGE_COLUMN, ageCell, column } from './workload-table.ts';

/** What a kind that can be scaled has. */
export interface Scalable extends KubeObject {
  spec?: { replicas?: number };
  status?: { replicas?: number };
}

/**
 * The `scale` subresource of a kind with `spec.replicas` and `status.replicas`: an autoscaling/v1
 * Scale. `selector` gives its label selector as text.
 */
export function scaleSubresource<T extends Scalable>(selector: (object: T) => string): Subresource {
  const schema = builtInSchema('autoscaling', 'v1', 'Scale');
  return defineSubresource<T>({
    name: 'scale',
    body: {
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      schema,
      columns: COLUMNS,
      row: (body, now) => scaleRow(body as Scale, now),
    },
    verbs: ['get', 'update', 'patch'],
    get: object => scaleOf(object, selector(object)),
    apply: (object, body) => {
      applyScale(object, body as Scale);
      return undefined;
    },
    appliedAs: body => {
      const { replicas } = (body as Scale).spec ?? {};
      return replicas === undefined ? {} : { spec: { replicas } };
    },
  });
}

const COLUMNS: readonly TableColumn[] = [
  column('Name'),
  column('Desired', 0, 'integer'),
  column('Available', 0, 'integer'),
  AGE_COLUMN,
];

function scaleRow(scale: Scale, now: number): TableCell[] {
  const { metadata, spec, status } = scale;
  return [metadata.name ?? '', spec?.replicas ?? 0, status?.replicas ?? 0, ageCell(scale, now)];
}

function scaleOf({ metadata, spec, status }: Scalable, selector: string): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: dropAbsent({ name, namespace, uid, resourceVersion, creationTimestamp }),
    // As Go prints them: a zero in `spec` is left out, in `status` it is not.
    spec: spec?.replicas ? { replicas: spec.replicas } : {},
    status: { replicas: status?.replicas ?? 0, ...(selector && { selector }) },
  };
}

function applyScale(object: Scalable, scale: Scale): void {
  const replicas = scale.spec?.replicas ?? 0;
  const errors = nonNegative(replicas, 'spec.replicas');
  if (errors.length > 0) {
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, scale.metadata.name ?? '', errors);
  }
  object.spec ??= {};
  object.spec.replicas = replicas;
}

function dropAbsent<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: NonNullable<T[K]> };
}
