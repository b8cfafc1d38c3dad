import { type Container, Job, type Pod, podFromTemplate } from 'kernetes/sdk';
import { countsAsFailure } from './failure-policy.ts';
import type { Observed } from './observe.ts';
import {
  FAILURES,
  failuresBefore,
  IGNORED_FAILURES,
  INDEX,
  ignoredFailuresBefore,
  TRACKING_FINALIZER,
} from './tracked-pod.ts';

/** The pods of these indexes; of no index, if the Job has none. */
export function podsFor(observed: Observed, indexes: readonly (number | undefined)[]): Pod[] {
  const plain = heldPod(observed.job);
  if (!observed.indexed) return indexes.map(() => plain);
  const { spec, ...rest } = plain;
  const told = { ...rest, ...(spec && { spec: { ...spec, ...withIndexVariable(spec) } }) };
  return indexes.map(index => podOfIndex(told, index ?? 0, observed));
}

function heldPod(job: Job): Pod {
  const pod = podFromTemplate(Job, job, job.spec?.template);
  const finalizers = new Set([...(pod.metadata.finalizers ?? []), TRACKING_FINALIZER]);
  return { ...pod, metadata: { ...pod.metadata, finalizers: [...finalizers] } };
}

function podOfIndex(pod: Pod, index: number, observed: Observed): Pod {
  const { metadata, spec } = pod;
  const name = observed.job.metadata.name ?? '';
  const mark = { [INDEX]: String(index) };
  const failures = observed.indexed?.failed && failureCounts(index, observed);
  return {
    ...pod,
    metadata: {
      ...metadata,
      generateName: generateName(name, index),
      labels: { ...metadata.labels, ...mark },
      annotations: { ...metadata.annotations, ...mark, ...failures },
    },
    ...(spec && { spec: { ...spec, hostname: `${name}-${index}` } }),
  };
}

/** The failures of an index are told by its pods, each adding to those of the one it replaces. */
function failureCounts(index: number, { spec, indexed }: Observed): Record<string, string> {
  const last = indexed?.replaceable.get(index);
  if (!last) return { [FAILURES]: '0' };
  const counts = countsAsFailure(spec.podFailurePolicy, last);
  const ignored = ignoredFailuresBefore(last) + (counts ? 0 : 1);
  return {
    [FAILURES]: String(failuresBefore(last) + (counts ? 1 : 0)),
    ...(ignored > 0 && { [IGNORED_FAILURES]: String(ignored) }),
  };
}

/** The name is cut where the index would not have room. */
function generateName(name: string, index: number): string {
  const end = `-${index}-`;
  return name.slice(0, GENERATE_NAME_CHARACTERS_MAX - end.length) + end;
}

/** What the server leaves for a prefix: it cuts what is longer, at the end. */
const GENERATE_NAME_CHARACTERS_MAX = 58;

function withIndexVariable({ containers, initContainers }: NonNullable<Pod['spec']>) {
  return {
    containers: containers.map(withVariable),
    ...(initContainers && { initContainers: initContainers.map(withVariable) }),
  };
}

function withVariable(container: Container): Container {
  const { env = [] } = container;
  if (env.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const fieldRef = { fieldPath: `metadata.labels['${INDEX}']` };
  return { ...container, env: [...env, { name: INDEX_VARIABLE, valueFrom: { fieldRef } }] };
}

const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';
