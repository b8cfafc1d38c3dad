import { pbkdf2Sync } from 'node:crypto';
import { ConfigMap, definePlugin, schedulerPoint } from 'kernetes/sdk';

const HOWS: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('my fault');
  },
  rejects: () => Promise.reject(new Error('my fault')),
  'loops for ever': () => {
    for (;;);
  },
  'grows its heap': async () => {
    const kept: unknown[] = [];
    for (;;) {
      for (let i = 0; i < 10; i++) kept.push(new Array(10_000).fill(1.5));
      // It answers meanwhile.
      await new Promise(resolve => setImmediate(resolve));
    }
  },
  'never finishes': () => new Promise(() => setInterval(() => {}, 1_000)),
  'makes V8 abort': () => new Array(2 ** 27 - 1).fill({}),
  'fills memory with buffers': () => {
    const kept: unknown[] = [];
    const grow = () => {
      kept.push(Buffer.alloc(16 * 1024 * 1024, 1));
      setTimeout(grow, 1);
    };
    grow();
  },
  'cannot be interrupted': () => pbkdf2Sync('a', 'b', 20_000_000, 64, 'sha512'),
};

/** Fails as its config says: while it is activated, or `later`, when a ConfigMap `fail` is there. */
export default definePlugin<{ how: string; later?: boolean }>({
  name: 'failing',
  async activate({ config, provide, informer }) {
    const fail = HOWS[config.how];
    if (config.how === 'contributes nonsense') {
      provide(schedulerPoint, { name: 'failing', points: 5 } as never);
    } else if (config.later) {
      const added = () => void setImmediate(() => fail?.());
      informer(ConfigMap, { fieldSelector: 'metadata.name=fail' }).on({ added });
    } else await fail?.();
  },
});
