import {
  defineKind,
  EXPLANATION_GROUP,
  EXPLANATION_VERSION,
  type KindDefinition,
  type KubeObject,
  keyOf,
  notFound,
  type PodExplanation,
  type SchedulingExplainer,
  schemaFrom,
} from 'kernetes/sdk';
import { EXPLANATION_SCHEMA } from './explanation-schema.ts';

/** As the API has it: what the scheduler says, with metadata in the place of the pod's names. */
export type PodExplanationObject = KubeObject & Omit<PodExplanation, 'namespace' | 'name' | 'uid'>;

/** A kind that is kept nowhere: the scheduler is asked each time. */
export function podExplanations({ explain, list }: SchedulingExplainer): KindDefinition {
  return defineKind<PodExplanationObject>({
    group: EXPLANATION_GROUP,
    kind: 'PodExplanation',
    resource: RESOURCE,
    singular: 'podexplanation',
    shortNames: ['why'],
    namespaced: true,
    verbs: ['get', 'list'],
    storage: { prefix: `registry/${EXPLANATION_GROUP}/${RESOURCE}`, version: EXPLANATION_VERSION },
    versions: [
      {
        name: EXPLANATION_VERSION,
        schema: schemaFrom(EXPLANATION_SCHEMA),
        columns: [
          { name: 'Name', type: 'string', format: 'name', priority: 0 },
          { name: 'State', type: 'string', priority: 0 },
          { name: 'Attempts', type: 'integer', priority: 0 },
          { name: 'Node', type: 'string', priority: 0 },
          { name: 'Waits for', type: 'string', priority: 0 },
          { name: 'Scheduler', type: 'string', priority: 1 },
          { name: 'Message', type: 'string', priority: 1 },
        ],
        row: rowOf,
      },
    ],
    strategy: {},
    virtual: {
      async get(name, { namespace }) {
        const explanation = await explain({ namespace, name });
        if (explanation) return objectOf(explanation);
        throw notFound({ group: EXPLANATION_GROUP, resource: RESOURCE }, name);
      },
      async list({ namespace }) {
        const all = await list(namespace === '' ? undefined : namespace);
        return all.map(objectOf).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      },
    },
  });
}

const RESOURCE = 'podexplanations';

function objectOf({ namespace, name, uid, ...rest }: PodExplanation): PodExplanationObject {
  return { metadata: { namespace, name, uid }, ...rest };
}

function rowOf({ metadata, state, attempts = [], ...rest }: Partial<PodExplanationObject>) {
  const last = attempts[attempts.length - 1];
  return [
    metadata?.name ?? '',
    state ?? '',
    last?.number ?? 0,
    last?.nodeName ?? '<none>',
    rest.waitsFor?.join(',') || '<none>',
    rest.schedulerName ?? '',
    last?.message ?? '',
  ];
}
