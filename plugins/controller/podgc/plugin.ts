import {
  definePlugin,
  isPodFinished,
  NODE_FIELDS,
  Node,
  POD_FIELDS,
  Pod,
  runController,
} from 'kernetes/sdk';
import { type Config, FINISHED, isOutOfService, isTerminating, PodCollector } from './podgc.ts';

export default definePlugin<Config>({
  name: 'controller.podgc',
  leader: 'kube-controller-manager',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      terminatedPodThreshold: { type: 'integer', default: 12_500 },
    },
  },
  activate(ctx) {
    const collector = new PodCollector(ctx.config);
    runController(ctx, {
      for: Node,
      fields: NODE_FIELDS,
      watches: [
        {
          kind: Pod,
          fields: POD_FIELDS,
          indexes: { node: nodeOf, finished: pod => (isPodFinished(pod) ? [FINISHED] : []) },
          // A pod of a node that exists is none of ours; a look at the copy tells that for nothing.
          map: (pod, { informer }) => {
            const finished = isPodFinished(pod) ? [{ name: FINISHED }] : [];
            const lost = nodeOf(pod).filter(name => {
              const node = informer(Node).get(name);
              return !node || (isTerminating(pod) && isOutOfService(node));
            });
            return [...finished, ...lost.map(name => ({ name }))];
          },
        },
      ],
      reconcile: (key, context) => collector.reconcile(key, context),
    });
  },
});

/** Pods that are deleted before they have a node count as one of the node without a name. */
function nodeOf({ spec, metadata }: Pod): readonly string[] {
  if (spec?.nodeName) return [spec.nodeName];
  return metadata.deletionTimestamp ? [''] : [];
}
