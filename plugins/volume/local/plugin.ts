import { resolve } from 'node:path';
import { definePlugin, type Provisioner, provisionerPoint } from 'kernetes/sdk';
import { LocalProvisioner } from './local-provisioner.ts';
import { ModelProvisioner } from './model-provisioner.ts';

interface Config {
  readonly name: string;
  /** Absent: volumes are models. */
  readonly folder?: string;
}

export default definePlugin<Config>({
  name: 'volume.local',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      name: { type: 'string', minLength: 1, default: 'kernetes.dev/local' },
      folder: { type: 'string', minLength: 1 },
    },
  },
  activate(ctx) {
    const { name, folder } = ctx.config;
    const provisioner: Provisioner = folder
      ? new LocalProvisioner(name, resolve(folder))
      : new ModelProvisioner(name);
    ctx.provide(provisionerPoint, provisioner);
  },
});
