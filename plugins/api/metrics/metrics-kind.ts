import {
  type Clock,
  defineKind,
  type KindDefinition,
  type KubeObject,
  keyOf,
  METRICS_GROUP,
  type PodUsageSource,
  type SchemaDefinition,
  schemaFrom,
  type TableCell,
  type VirtualKind,
} from 'kernetes/sdk';

export interface MetricsKindOptions {
  readonly clock: Clock;
  readonly sources: () => readonly PodUsageSource[];
}

/** What differs between what pods and what nodes use. */
export interface MetricsKind<T extends KubeObject> {
  readonly kind: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly properties: Readonly<Record<string, SchemaDefinition>>;
  /** The cells of the table: cpu, memory and the window. */
  readonly cells: (object: T) => readonly [TableCell, TableCell, TableCell];
  readonly virtual: VirtualKind<T>;
}

/** A kind of `metrics.k8s.io`, with the table of metrics-server, in whose place it stands. */
export function defineMetricsKind<T extends KubeObject>(given: MetricsKind<T>): KindDefinition {
  const { properties, cells, ...parts } = given;
  return defineKind<T>({
    ...parts,
    group: METRICS_GROUP,
    // None, as metrics-server: clients then make one of the kind, `kubectl get podmetrics`.
    singular: '',
    verbs: ['get', 'list'],
    storage: { prefix: `registry/${METRICS_GROUP}/${parts.resource}`, version: VERSION },
    isStandIn: true,
    versions: [
      {
        name: VERSION,
        schema: schemaFrom({
          type: 'object',
          properties: {
            apiVersion: { type: 'string' },
            kind: { type: 'string' },
            metadata: { $ref: `${MACHINERY}apis.meta.v1.ObjectMeta` },
            timestamp: { $ref: `${MACHINERY}apis.meta.v1.Time` },
            window: { type: 'string' },
            ...properties,
          },
          required: ['timestamp', 'window', ...Object.keys(properties)],
        }),
        columns: [
          { name: 'Name', type: 'string', format: 'name', priority: 0 },
          { name: 'cpu', type: 'string', format: 'quantity', priority: 0 },
          { name: 'memory', type: 'string', format: 'quantity', priority: 0 },
          { name: 'Window', type: 'string', format: 'duration', priority: 0 },
        ],
        row: object => [object.metadata.name ?? '', ...cells(object)],
      },
    ],
    strategy: {},
  });
}

/** The order of lists. */
export function byKey(a: KubeObject, b: KubeObject): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

const VERSION = 'v1beta1';
const MACHINERY = '#/definitions/io.k8s.apimachinery.pkg.';

export const USAGE: SchemaDefinition = {
  type: 'object',
  additionalProperties: { $ref: `${MACHINERY}api.resource.Quantity` },
};
