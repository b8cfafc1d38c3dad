import { definePlugin, kindPoint } from 'kernetes/sdk';
import { controllerRevisions } from './controller-revision.ts';
import { daemonSets } from './daemon-set.ts';
import { deployments } from './deployment.ts';
import { replicaSets } from './replica-set.ts';
import { statefulSets } from './stateful-set.ts';

export default definePlugin({
  name: 'kind.apps',
  activate(ctx) {
    for (const kind of [controllerRevisions, daemonSets, deployments, replicaSets, statefulSets]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
  },
});
