import { definePlugin, patcherPoint } from 'kernetes/sdk';
import { jsonPatcher, mergePatcher, strategicMergePatcher } from './patchers.ts';

export default definePlugin({
  name: 'api.patch',
  activate(ctx) {
    ctx.provide(patcherPoint, jsonPatcher, 'json');
    ctx.provide(patcherPoint, mergePatcher, 'merge');
    ctx.provide(patcherPoint, strategicMergePatcher, 'strategic-merge');
  },
});
