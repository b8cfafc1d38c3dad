import { admissionPoint, definePlugin, Namespace, openFinder } from 'kernetes/sdk';
import { type Config, podNodeSelector } from './pod-node-selector.ts';

export default definePlugin<Config>({
  name: 'admission.pod-node-selector',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      clusterDefaultNodeSelector: { type: 'string', default: '' },
      namespaces: { type: 'object', additionalProperties: { type: 'string' }, default: {} },
    },
  },
  async activate(ctx) {
    const find = await openFinder(ctx, Namespace);
    ctx.provide(admissionPoint, podNodeSelector(find, ctx.config));
  },
});
