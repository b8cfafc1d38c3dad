import { definePlugin, provideKinds, RELEASE_CONFIG, type ReleaseConfig } from 'kernetes/sdk';
import { csiDrivers, csiNodes, csiStorageCapacities } from './csi.ts';
import { storageClasses } from './storage-class.ts';
import { volumeAttachments } from './volume-attachment.ts';
import { volumeAttributesClasses } from './volume-attributes-class.ts';

export default definePlugin<ReleaseConfig>({
  name: 'kind.storage',
  config: RELEASE_CONFIG,
  activate(ctx) {
    const kinds = [
      csiDrivers,
      csiNodes,
      csiStorageCapacities,
      storageClasses,
      volumeAttachments,
      volumeAttributesClasses,
    ];
    provideKinds(ctx, kinds);
  },
});
