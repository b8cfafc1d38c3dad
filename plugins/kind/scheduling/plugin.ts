import { definePlugin, provideKinds, RELEASE_CONFIG, type ReleaseConfig } from 'kernetes/sdk';
import { priorityClasses } from './priority-class.ts';

export default definePlugin<ReleaseConfig>({
  name: 'kind.scheduling',
  config: RELEASE_CONFIG,
  activate(ctx) {
    provideKinds(ctx, [priorityClasses]);
  },
});
