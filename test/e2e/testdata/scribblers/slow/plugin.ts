import { admissionPoint, definePlugin, delay } from 'kernetes/sdk';

/** Holds what scribblers write for some time before it is committed. */
export default definePlugin({
  name: 'slow',
  activate(ctx) {
    ctx.provide(admissionPoint, {
      rules: [{ operations: ['CREATE'], groups: [''], resources: ['configmaps'] }],
      async validate({ object }) {
        if (object?.metadata.labels?.writer) await delay(ctx.clock, HELD_MS);
        return undefined;
      },
    });
  },
});

const HELD_MS = 500;
