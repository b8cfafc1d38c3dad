import { type Clock, controller, Node, type ObjectClient, toTime } from 'kernetes/sdk';
import { changedTaints } from './condition-taints.ts';

export default controller<Node>({
  name: 'controller.node-lifecycle',
  for: Node,
  fields: [
    'spec.taints',
    'spec.unschedulable',
    'status.conditions.type',
    'status.conditions.status',
  ],
  // A cluster begins with a change of every node: many travel together.
  concurrency: 64,
  async reconcile(_key, { object: node, objects, clock }) {
    if (node) await taintByConditions(node, objects, clock);
    return undefined;
  },
});

async function taintByConditions(node: Node, objects: ObjectClient, clock: Clock): Promise<void> {
  const taints = changedTaints(node, toTime(clock.now()));
  if (taints === undefined) return;
  const { name = '', resourceVersion } = node.metadata;
  // Of the taints as they were read: if somebody changed them since, it fails and is done again.
  await objects.patch(
    Node,
    { name },
    {
      metadata: { resourceVersion },
      spec: { taints: taints.length > 0 ? taints : null },
    },
  );
}
