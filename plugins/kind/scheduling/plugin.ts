import { definePlugin, kindPoint } from 'kernetes/sdk';
import { priorityClasses } from './priority-class.ts';

export default definePlugin({
  name: 'kind.scheduling',
  activate(ctx) {
    ctx.provide(kindPoint, priorityClasses, priorityClasses.resource);
  },
});
