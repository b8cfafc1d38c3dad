import {
  ApiError,
  controller,
  Job,
  type ObjectKey,
  type ReconcileContext,
  type ReconcileResult,
} from 'kernetes/sdk';
import { msUntilExpiry } from './expiry.ts';

export default controller({
  name: 'controller.ttl-after-finished',
  leader: 'kube-controller-manager',
  for: Job,
  concurrency: 5,
  async reconcile(key, context): Promise<ReconcileResult> {
    const { object: job, clock } = context;
    const wait = job && msUntilExpiry(job, clock.now());
    if (wait === undefined) return undefined;
    return wait > 0 ? { requeueAfter: wait } : deleteExpired(key, context);
  },
});

async function deleteExpired(
  key: ObjectKey,
  { objects, clock }: ReconcileContext<Job, unknown>,
): Promise<ReconcileResult> {
  try {
    // The copy may be behind, and there is no way back from a deletion.
    const job = await objects.get(Job, key);
    const wait = msUntilExpiry(job, clock.now());
    if (wait === undefined) return undefined;
    if (wait > 0) return { requeueAfter: wait };
    const { uid = '', resourceVersion = '' } = job.metadata;
    const preconditions = { uid, resourceVersion };
    await objects.delete(Job, key, { propagationPolicy: 'Foreground', preconditions });
  } catch (error) {
    if (!ApiError.is(error, 'NotFound')) throw error;
  }
  return undefined;
}
