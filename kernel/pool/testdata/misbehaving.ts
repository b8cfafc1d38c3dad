import { pbkdf2Sync } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { definePlugin } from 'kernetes/sdk';

const HOWS: Record<string, () => unknown> = {
  'throws while activating': () => {
    throw new Error('not today');
  },
  'throws later': () => setTimeout(() => explode('later'), 1),
  'rejects later': () => setTimeout(() => Promise.reject(new Error('later')), 1),
  'throws an object with getters': () =>
    setTimeout(() => {
      throw {
        get message() {
          throw 1;
        },
        get stack() {
          throw 2;
        },
      };
    }, 1),
  'throws a proxy': () =>
    setTimeout(() => {
      const refuse = () => {
        throw new Error('trapped');
      };
      throw new Proxy({}, { get: refuse, getPrototypeOf: refuse, ownKeys: refuse, has: refuse });
    }, 1),
  'breaks the emitter, then throws': () => {
    const broken = () => {
      throw new Error('broken');
    };
    Object.assign(EventEmitter.prototype, { emit: broken, listenerCount: broken, on: broken });
    setTimeout(() => explode('later'), 1);
  },
  'loops for ever while activating': () => {
    for (;;);
  },
  'loops for ever later': () =>
    setTimeout(() => {
      for (;;);
    }, 1),
  'grows its heap': () => {
    const kept: unknown[] = [];
    for (;;) kept.push(new Array(10_000).fill(1.5));
  },
  'never finishes activating': () => new Promise(() => setInterval(() => {}, 1_000)),
  'fills memory with buffers': () => {
    const kept: unknown[] = [];
    const grow = () => {
      kept.push(Buffer.alloc(16 * 1024 * 1024, 1));
      setTimeout(grow, 1);
    };
    grow();
  },
  'makes V8 abort': () => setTimeout(() => new Array(2 ** 27 - 1).fill({}), 1),
  'cannot be interrupted': () =>
    setTimeout(() => pbkdf2Sync('a', 'b', 4_000_000, 64, 'sha512'), 1),
};

function explode(text: string): never {
  throw new Error(text);
}

export default definePlugin<{ how: string }>({
  name: 'test.misbehaving',
  activate: async ({ config }) => {
    await HOWS[config.how]?.();
  },
});
