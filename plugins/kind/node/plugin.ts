import { definePlugin, kindPoint } from 'kernetes/sdk';
import { runtimeClasses } from './runtime-class.ts';

export default definePlugin({
  name: 'kind.node',
  activate(ctx) {
    ctx.provide(kindPoint, runtimeClasses, runtimeClasses.resource);
  },
});
