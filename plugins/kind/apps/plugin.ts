import { definePlugin, provideKinds, RELEASE_CONFIG, type ReleaseConfig } from 'kernetes/sdk';
import { controllerRevisions } from './controller-revision.ts';
import { daemonSets } from './daemon-set.ts';
import { deployments } from './deployment.ts';
import { replicaSets } from './replica-set.ts';
import { statefulSets } from './stateful-set.ts';

export default definePlugin<ReleaseConfig>({
  name: 'kind.apps',
  config: RELEASE_CONFIG,
  activate(ctx) {
    provideKinds(ctx, [controllerRevisions, daemonSets, deployments, replicaSets, statefulSets]);
  },
});
