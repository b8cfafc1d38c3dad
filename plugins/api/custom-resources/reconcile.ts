import { isDeepStrictEqual } from 'node:util';
import {
  ApiError,
  CustomResourceDefinition,
  type ReconcileContext,
  type ReconcileResult,
} from 'kernetes/sdk';
import type { AcceptedNames } from './accepted-names.ts';
import { CLEANUP_FINALIZER, deleteObjects } from './cleanup.ts';
import { type ConditionUpdate, isConditionTrue, withConditions } from './conditions.ts';
import type { ServedDefinitions } from './served-definitions.ts';

export interface DefinitionReconcilerOptions {
  readonly served: ServedDefinitions;
  readonly names: AcceptedNames;
  /** Whether something built in has the resource. */
  readonly isTaken: (group: string, resource: string) => boolean;
}

type Context = ReconcileContext<CustomResourceDefinition, unknown>;

/** Brings a definition from asked for to served, and from deleted to gone. */
export class DefinitionReconciler {
  readonly #options: DefinitionReconcilerOptions;

  constructor(options: DefinitionReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(name: string, context: Context): Promise<ReconcileResult> {
    const { served, names } = this.#options;
    const definition = context.object;
    if (definition === undefined) {
      names.forget(name);
      served.withdraw(name);
      return undefined;
    }
    names.observe(definition);
    if (definition.metadata.deletionTimestamp) return this.#end(definition, context);
    await this.#establish(definition, context);
    return undefined;
  }

  async #establish(definition: CustomResourceDefinition, context: Context): Promise<void> {
    const { served, names } = this.#options;
    const { spec } = definition;
    const isAccepted = isDeepStrictEqual(definition.status?.acceptedNames, spec.names);
    if (isAccepted && isConditionTrue(definition, 'Established')) return served.serve(definition);
    const verdict = names.decide(definition);
    const accepted = {
      ...definition,
      status: { ...definition.status, acceptedNames: verdict.names },
    };
    const updates: ConditionUpdate[] = [verdict.condition, ...approvalOf(definition)];
    if (isConditionTrue(definition, 'Established')) {
      await served.serve(accepted);
    } else if (verdict.condition.status === 'True') {
      await served.serve(accepted);
      // Who waits for the condition asks for objects next.
      await this.#whenServed(accepted, context);
      updates.push(ESTABLISHED);
    } else updates.push(NOT_ACCEPTED);
    await tell(accepted, updates, context);
  }

  async #whenServed({ metadata, spec }: CustomResourceDefinition, context: Context): Promise<void> {
    const { served } = this.#options;
    if (!served.isProvided(metadata.name ?? '')) return;
    await served.isServed(spec.group, spec.names.plural, context.signal);
  }

  async #end(definition: CustomResourceDefinition, context: Context): Promise<ReconcileResult> {
    const { metadata, spec } = definition;
    if (!metadata.finalizers?.includes(CLEANUP_FINALIZER)) return undefined;
    if (this.#options.isTaken(spec.group, spec.names.plural)) {
      return letGo(definition, OVERLAPPING, context);
    }
    if (!isConditionTrue(definition, 'Established')) return letGo(definition, NEVER, context);
    await this.#options.served.serve(definition);
    const outcome = await deleteObjects(definition, context);
    if (outcome === 'gone') return letGo(definition, COMPLETED, context);
    await tell(definition, [outcome], context);
    return { requeueAfter: RETRY_MS };
  }
}

/** Of a group of Kubernetes' own, whether its annotation says that the API was approved. */
function approvalOf({ metadata, spec }: CustomResourceDefinition): ConditionUpdate[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group)) return [];
  const type = 'KubernetesAPIApprovalPolicyConformant';
  const said = metadata.annotations?.['api-approved.kubernetes.io'] ?? '';
  if (said.startsWith('unapproved')) {
    const message = `not approved: ${JSON.stringify(said)}`;
    return [{ type, status: 'False', reason: 'UnapprovedAnnotation', message }];
  }
  return [{ type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${said}` }];
}

async function tell(
  definition: CustomResourceDefinition,
  updates: readonly ConditionUpdate[],
  { objects, clock, object }: Context,
): Promise<CustomResourceDefinition | undefined> {
  const conditions = withConditions(definition.status?.conditions ?? [], updates, clock.now());
  const status = { ...definition.status, conditions };
  if (isDeepStrictEqual(status, object?.status)) return definition;
  try {
    return await objects.updateStatus(CustomResourceDefinition, { ...definition, status });
  } catch (error) {
    // Changed or gone meanwhile: the informer will say so.
    if (ApiError.is(error, 'NotFound') || ApiError.is(error, 'Conflict')) return undefined;
    throw error;
  }
}

async function letGo(
  definition: CustomResourceDefinition,
  last: ConditionUpdate,
  context: Context,
): Promise<ReconcileResult> {
  const told = await tell(definition, [last], context);
  if (told === undefined) return { requeueAfter: RETRY_MS };
  const { name = '', finalizers = [], resourceVersion } = told.metadata;
  const rest = finalizers.filter(each => each !== CLEANUP_FINALIZER);
  const patch = { metadata: { resourceVersion, finalizers: rest.length > 0 ? rest : null } };
  try {
    await context.objects.patch(CustomResourceDefinition, { name }, patch);
  } catch (error) {
    if (ApiError.is(error, 'Conflict')) return { requeueAfter: RETRY_MS };
    if (!ApiError.is(error, 'NotFound')) throw error;
  }
  return undefined;
}

const RETRY_MS = 200;

const ESTABLISHED: ConditionUpdate = {
  type: 'Established',
  status: 'True',
  reason: 'InitialNamesAccepted',
  message: 'the initial names have been accepted',
};
const NOT_ACCEPTED: ConditionUpdate = {
  type: 'Established',
  status: 'False',
  reason: 'NotAccepted',
  message: 'not all names are accepted',
};
const NOT_TERMINATING = { type: 'Terminating', status: 'False' } as const;
const COMPLETED: ConditionUpdate = {
  ...NOT_TERMINATING,
  reason: 'InstanceDeletionCompleted',
  message: 'removed all instances',
};
const NEVER: ConditionUpdate = {
  ...NOT_TERMINATING,
  reason: 'NeverEstablished',
  message: 'resource was never established',
};
const OVERLAPPING: ConditionUpdate = {
  ...NOT_TERMINATING,
  reason: 'OverlappingBuiltInResource',
  message: 'instances overlap with built-in resources in storage',
};
