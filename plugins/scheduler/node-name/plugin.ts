import { scheduler, verdict } from 'kernetes/sdk';

const OTHER_NODE = verdict.unresolvable("node(s) didn't match the requested node name");

export default scheduler.filter<Record<string, never>, undefined>({
  name: 'NodeName',
  cacheable: true,
  requeueOn: [{ on: 'NodeAdd', fits: ({ pod, node }) => !node || pod.spec.nodeName === node.name }],
  config: { type: 'object', additionalProperties: false },
  preFilter: ({ pod }) => (pod.spec.nodeName ? undefined : verdict.skip),
  filter: ({ pod, node }) => (pod.spec.nodeName === node.name ? undefined : OTHER_NODE),
});
