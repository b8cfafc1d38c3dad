import { definePlugin, keyOf, runQueue } from 'kernetes/sdk';
import { AttachDetach, type Config } from './attach-detach.ts';
import { AttachmentView } from './attachment-view.ts';
import { simulateAttachers } from './simulated-attacher.ts';

export default definePlugin<Config>({
  name: 'controller.attachdetach',
  leader: 'kube-controller-manager',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      maxWaitForUnmountMs: { type: 'integer', minimum: 0, default: 360_000 },
      forceDetachOnTimeout: { type: 'boolean', default: true },
      simulatedAttachers: { type: 'array', items: { type: 'string' }, default: [] },
      simulatedDelayMs: { type: 'integer', minimum: 0, default: 500 },
    },
  },
  activate(ctx) {
    const view = new AttachmentView(ctx);
    const controller = new AttachDetach(ctx, view);
    const queue = runQueue(ctx, {
      concurrency: 10,
      work: key => controller.reconcile(key),
      replay() {
        enqueue(view.volumes.list().map(keyOf));
        for (const attachment of view.attachments.list()) enqueue(view.volumesAt(attachment));
      },
    });
    const enqueue = (names: readonly string[]) => {
      for (const name of names) queue.add(name);
    };
    view.pods.on({
      added: pod => enqueue(view.volumesOf(pod)),
      updated: pod => enqueue(view.volumesOf(pod)),
      deleted: pod => enqueue(view.volumesOf(pod)),
    });
    view.claims.on({
      added: ({ spec }) => enqueue(spec?.volumeName ? [spec.volumeName] : []),
      updated: ({ spec }) => enqueue(spec?.volumeName ? [spec.volumeName] : []),
    });
    view.volumes.on({
      added: volume => enqueue([keyOf(volume)]),
      updated: volume => enqueue([keyOf(volume)]),
      deleted: volume => enqueue([keyOf(volume)]),
    });
    view.attachments.on({
      added: attachment => enqueue(view.volumesAt(attachment)),
      updated: attachment => enqueue(view.volumesAt(attachment)),
      deleted: attachment => enqueue(view.volumesAt(attachment)),
    });
    view.nodes.on({
      added: node => enqueue(view.volumesOn(node)),
      updated: node => enqueue(view.volumesOn(node)),
      deleted: node => enqueue(view.volumesOn(node)),
    });
    view.drivers.on({
      added: driver => enqueue(view.volumesBy(driver)),
      updated: driver => enqueue(view.volumesBy(driver)),
      deleted: driver => enqueue(view.volumesBy(driver)),
    });
    simulateAttachers(ctx, view.attachments);
    void view.synced.then(() => queue.start());
  },
});
