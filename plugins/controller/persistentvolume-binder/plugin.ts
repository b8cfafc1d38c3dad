import { definePlugin } from 'kernetes/sdk';
import { type Config, VolumeController } from './volume-controller.ts';

export default definePlugin<Config>({
  name: 'controller.persistentvolume-binder',
  leader: 'kube-controller-manager',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      syncPeriodMs: { type: 'integer', minimum: 100, default: 15_000 },
      concurrency: { type: 'integer', minimum: 1, default: 8 },
    },
  },
  activate(ctx) {
    new VolumeController(ctx).start();
  },
});
