import { definePlugin, kindPoint } from 'kernetes/sdk';
import { endpointSlices } from './endpoint-slice.ts';

export default definePlugin({
  name: 'kind.discovery',
  activate(ctx) {
    ctx.provide(kindPoint, endpointSlices, endpointSlices.resource);
  },
});
