import type {
  BatchResult,
  CustomResourceDefinition,
  KubeObject,
  ObjectClient,
  ObjectRequest,
} from 'kernetes/sdk';
import type { ConditionUpdate } from './conditions.ts';
import { servedVersions } from './conversion.ts';

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** Deletes all objects of a definition; what is left to do, or `gone`. */
export async function deleteObjects(
  definition: CustomResourceDefinition,
  { objects }: { readonly objects: ObjectClient },
): Promise<ConditionUpdate | 'gone'> {
  const { spec } = definition;
  const version = servedVersions(spec)[0]?.name;
  const resource = spec.names.plural;
  // Objects of a definition that is served in no version can neither be seen nor be deleted.
  if (version === undefined) return 'gone';
  const target = { group: spec.group, version, resource };
  const found = await list(target, objects);
  if (typeof found === 'string') return failed(`could not list instances: ${found}`);
  if (found.length === 0) return 'gone';
  const namespaces = new Set(found.map(({ metadata }) => metadata.namespace));
  const results = await objects.batch(
    [...namespaces].map((namespace): ObjectRequest => {
      return { verb: 'deletecollection', ...target, ...(namespace && { namespace }) };
    }),
  );
  const errors = results.flatMap(result => (result.ok ? [] : [result.error.message]));
  if (errors.length > 0) return failed(`could not issue all deletes: ${errors.join(', ')}`);
  const left = await list(target, objects);
  if (typeof left !== 'string' && left.length === 0) return 'gone';
  return {
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionInProgress',
    message: 'CustomResource deletion is in progress',
  };
}

type Target = Pick<ObjectRequest, 'group' | 'version' | 'resource'>;

/** The objects, or why they cannot be listed. */
async function list(
  target: Target,
  objects: ObjectClient,
): Promise<readonly KubeObject[] | string> {
  const [result]: BatchResult[] = await objects.batch([{ verb: 'list', ...target }]);
  if (result === undefined) return 'no answer';
  if (!result.ok) return result.error.message;
  return (result.object as { readonly items: readonly KubeObject[] }).items;
}

function failed(message: string): ConditionUpdate {
  return { type: 'Terminating', status: 'True', reason: 'InstanceDeletionFailed', message };
}
