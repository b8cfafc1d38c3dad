import { type AdmissionPlugin, admissionPoint, definePlugin, type Node } from 'kernetes/sdk';

export default definePlugin({
  name: 'admission.taint-nodes-by-condition',
  activate(ctx) {
    ctx.provide(admissionPoint, taintNewNodes);
  },
});

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

const taintNewNodes: AdmissionPlugin = {
  rules: [{ operations: ['CREATE'], groups: [''], resources: ['nodes'] }],
  mutate({ object }) {
    const node = object as Node;
    node.spec ??= {};
    node.spec.taints ??= [];
    const { taints } = node.spec;
    const isThere = taints.some(
      ({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect,
    );
    if (!isThere) taints.push({ ...NOT_READY });
  },
};
