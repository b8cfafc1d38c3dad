import { definePlugin, Node, POD_FIELDS, Pod, runController } from 'kernetes/sdk';
import { PodCollector } from './podgc.ts';

export default definePlugin({
  name: 'controller.podgc',
  activate(ctx) {
    const collector = new PodCollector();
    runController(ctx, {
      for: Node,
      fields: [],
      watches: [
        {
          kind: Pod,
          fields: POD_FIELDS,
          indexes: { node: nodeOf },
          // A pod of a node that exists is none of ours; a look at the copy tells that for nothing.
          map: (pod, { informer }) =>
            nodeOf(pod).flatMap(name => (informer(Node).get(name) ? [] : [{ name }])),
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
