import { definePlugin, kindPoint } from 'kernetes/sdk';
import { leases } from './lease.ts';

export default definePlugin({
  name: 'kind.coordination',
  activate(ctx) {
    ctx.provide(kindPoint, leases, leases.resource);
  },
});
