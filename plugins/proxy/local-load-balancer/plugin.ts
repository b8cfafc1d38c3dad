import { type ConfigOf, definePlugin, loadBalancerPoint, Service } from 'kernetes/sdk';
import { parseRange } from './address-range.ts';
import { Pool } from './pool.ts';

const CONFIG = {
  type: 'object',
  additionalProperties: false,
  required: ['addresses'],
  properties: {
    class: { type: 'string', default: '' },
    addresses: { type: 'array', items: { type: 'string' }, minItems: 1 },
  },
} as const;

export default definePlugin<ConfigOf<typeof CONFIG>>({
  name: 'proxy.local-load-balancer',
  config: CONFIG,
  activate(ctx) {
    const pool = new Pool(ctx.config.addresses.map(parseRange));
    const services = ctx.informer(Service, {});
    services.on({
      added: service => pool.learn(service),
      // What another process has handed out or taken back, while it led.
      updated: (service, old) => pool.relearn(service, old),
      deleted: service => pool.release(service),
    });
    ctx.provide(loadBalancerPoint, {
      class: ctx.config.class,
      async ensure(service) {
        // Before all are known, an address that looks free may be somebody's.
        await services.synced;
        return pool.take(service);
      },
      async release(service) {
        pool.release(service);
      },
    });
  },
});
