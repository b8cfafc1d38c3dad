import { ApiError, admissionPoint, definePlugin, Namespace } from 'kernetes/sdk';
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
    const namespaces = ctx.informer(Namespace);
    await namespaces.synced;
    const find = (name: string) =>
      namespaces.get(name) ?? ctx.objects.get(Namespace, { name }).catch(missing);
    ctx.provide(admissionPoint, podNodeSelector(find, ctx.config));
  },
});

function missing(error: unknown): undefined {
  if (!ApiError.is(error, 'NotFound')) throw error;
}
