import { definePlugin, kindPoint } from 'kernetes/sdk';
import { apiServices } from './api-service.ts';

export default definePlugin({
  name: 'kind.apiregistration',
  activate(ctx) {
    ctx.provide(kindPoint, apiServices, apiServices.resource);
  },
});
