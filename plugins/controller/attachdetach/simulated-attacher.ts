import { type Informer, keyOf, type PluginContext, runQueue, VolumeAttachment } from 'kernetes/sdk';
import type { Config } from './attach-detach.ts';

/** Plays the attachers of drivers that there are not: what is to be attached is, after a while. */
export function simulateAttachers(
  ctx: PluginContext<Config>,
  attachments: Informer<VolumeAttachment>,
): void {
  const { simulatedAttachers, simulatedDelayMs } = ctx.config;
  if (simulatedAttachers.length === 0) return;
  const dueAt = new Map<string, number>();
  const queue = runQueue(ctx, {
    name: 'attacher',
    concurrency: 10,
    replay: () => attachments.list().forEach(enqueue),
    async work(key) {
      const attachment = attachments.get(key);
      if (attachment === undefined || attachment.status?.attached) {
        dueAt.delete(key);
        return undefined;
      }
      const now = ctx.clock.now();
      const due = dueAt.get(key) ?? now + simulatedDelayMs;
      dueAt.set(key, due);
      if (due > now) return { requeueAfter: due - now };
      const { name = '', uid } = attachment.metadata;
      const patch = { metadata: { uid }, status: { attached: true } };
      await ctx.objects.patch(VolumeAttachment, { name }, patch, { subresource: 'status' });
      return undefined;
    },
  });
  const enqueue = (attachment: VolumeAttachment) => {
    if (simulatedAttachers.includes(attachment.spec.attacher)) queue.add(keyOf(attachment));
  };
  attachments.on({ added: enqueue, updated: enqueue, deleted: enqueue });
  void attachments.synced.then(() => queue.start());
}
