import { definePlugin, kindPoint } from 'kernetes/sdk';
import { csiDrivers, csiNodes, csiStorageCapacities } from './csi.ts';
import { storageClasses } from './storage-class.ts';
import { volumeAttachments } from './volume-attachment.ts';

export default definePlugin({
  name: 'kind.storage',
  activate(ctx) {
    const kinds = [csiDrivers, csiNodes, csiStorageCapacities, storageClasses, volumeAttachments];
    for (const kind of kinds) ctx.provide(kindPoint, kind, kind.resource);
  },
});
