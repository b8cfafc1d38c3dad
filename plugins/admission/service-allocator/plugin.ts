import { admissionPoint, definePlugin, Service } from 'kernetes/sdk';
import { type Config, ServiceAllocator } from './service-allocator.ts';

export default definePlugin<Config>({
  name: 'admission.service-allocator',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      serviceCidr: { type: 'string', default: '10.96.0.0/16' },
      release: { type: 'integer', minimum: 0, default: 0 },
      nodePortRange: { type: 'string', pattern: '^\\d+-\\d+$', default: '30000-32767' },
    },
  },
  async activate(ctx) {
    const allocator = new ServiceAllocator(ctx.config, ctx.random);
    const services = ctx.informer(Service);
    const seen = (service: Service, old?: Service) => {
      for (const what of allocator.seen(service, old)) {
        const { namespace, name } = service.metadata;
        ctx.log.warn('Two services have the same', { what, namespace, name });
      }
    };
    services.on({ added: seen, updated: seen, deleted: service => allocator.gone(service) });
    // What is taken must be known before anything is given away.
    await services.synced;
    ctx.provide(admissionPoint, allocator);
  },
});
