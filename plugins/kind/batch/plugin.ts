import { definePlugin, provideKinds, RELEASE_CONFIG, type ReleaseConfig } from 'kernetes/sdk';
import { cronJobs } from './cron-job.ts';
import { jobs } from './job.ts';

export default definePlugin<ReleaseConfig>({
  name: 'kind.batch',
  config: RELEASE_CONFIG,
  activate(ctx) {
    provideKinds(ctx, [cronJobs, jobs]);
  },
});
