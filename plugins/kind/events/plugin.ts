import { definePlugin, kindPoint } from 'kernetes/sdk';
import { events } from './event.ts';

export default definePlugin({
  name: 'kind.events',
  activate(ctx) {
    ctx.provide(kindPoint, events, 'events.k8s.io/events');
  },
});
