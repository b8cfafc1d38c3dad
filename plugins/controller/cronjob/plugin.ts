import { CronJob, controller, Job } from 'kernetes/sdk';
import { reconcile } from './cronjob.ts';

export default controller({
  name: 'controller.cronjob',
  leader: 'kube-controller-manager',
  for: CronJob,
  owns: [{ kind: Job, fields: ['spec.suspend', 'status'] }],
  concurrency: 5,
  reconcile: (_key, context) => reconcile(context),
});
