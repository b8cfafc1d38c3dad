import { definePlugin, kindPoint } from 'kernetes/sdk';
import { cronJobs } from './cron-job.ts';
import { jobs } from './job.ts';

export default definePlugin({
  name: 'kind.batch',
  activate(ctx) {
    for (const kind of [cronJobs, jobs]) ctx.provide(kindPoint, kind, kind.resource);
  },
});
