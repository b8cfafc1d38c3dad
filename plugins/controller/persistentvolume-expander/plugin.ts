import {
  definePlugin,
  PersistentVolume,
  PersistentVolumeClaim,
  provisionerPoint,
  runController,
} from 'kernetes/sdk';
import { Expander } from './expander.ts';

export default definePlugin({
  name: 'controller.persistentvolume-expander',
  leader: 'kube-controller-manager',
  activate(ctx) {
    const provisioners = ctx.contributions(provisionerPoint);
    const expander = new Expander({
      objects: ctx.objects,
      events: ctx.events,
      clock: ctx.clock,
      provisionerOf: name => provisioners.list().find(({ value }) => value.name === name)?.value,
    });
    const { enqueue, informer } = runController(ctx, {
      for: PersistentVolumeClaim,
      watches: [
        {
          kind: PersistentVolume,
          map({ spec }) {
            const { namespace = '', name = '' } = spec?.claimRef ?? {};
            return name ? [{ namespace, name }] : [];
          },
        },
      ],
      concurrency: 10,
      reconcile: async (_key, { object, informer }) => {
        const name = object?.spec?.volumeName;
        const volume = name ? informer(PersistentVolume).get(name) : undefined;
        if (object && volume) await expander.expand(object, volume);
        return undefined;
      },
    });
    // What waited for a provisioner may have it now.
    const enqueueAll = () => {
      for (const { metadata } of informer(PersistentVolumeClaim).list()) {
        const { namespace = '', name = '' } = metadata;
        enqueue({ namespace, name });
      }
    };
    ctx.onDispose(provisioners.onChange(enqueueAll));
  },
});
