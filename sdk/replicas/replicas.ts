import type { ReplicaSetStatus } from '../api/types-apps-v1.ts';
import { Pod, type PodTemplateSpec } from '../api/types-core-v1.ts';
import { adopters } from '../claim.ts';
import { runController } from '../controller-runner.ts';
import type { Kind, KubeObject } from '../kind.ts';
import type { PluginContext } from '../plugin.ts';
import { POD_FIELDS } from '../pod-status.ts';
import type { Selector } from '../selector.ts';
import { ReplicaReconciler } from './reconcile.ts';

/** What keeps a number of like pods: a ReplicaSet, a ReplicationController, a kind of one's own. */
export interface ReplicaOwner extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly template?: PodTemplateSpec;
  };
  readonly status?: ReplicaSetStatus;
}

export interface ReplicasOptions<T extends ReplicaOwner> {
  readonly kind: Kind<T>;
  selectorOf(owner: T): Selector;
  /** The status has `terminatingReplicas`. */
  readonly tellsTerminating: boolean;
}

/**
 * Keeps as many pods of each owner as its `spec.replicas` says, and its status true: upstream's
 * ReplicaSet controller. Adopts and releases pods by selector, makes missing ones in growing
 * batches, and deletes those that will be missed least.
 */
export function runReplicas<T extends ReplicaOwner>(
  ctx: PluginContext<unknown>,
  options: ReplicasOptions<T>,
): void {
  const { kind, selectorOf } = options;
  const reconciler = new ReplicaReconciler(ctx.clock, options);
  runController(ctx, {
    for: kind,
    owns: [{ kind: Pod, fields: POD_FIELDS }],
    watches: [{ kind: Pod, fields: POD_FIELDS, map: adopters(kind, selectorOf) }],
    concurrency: 10,
    // Pods become ready in crowds: one write of the status for many.
    intervalMs: 20,
    reconcile: (key, context) => reconciler.reconcile(key, context),
  });
}
