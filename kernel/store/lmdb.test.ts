import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backendConformance } from './backend-conformance.ts';
import { openLmdb } from './lmdb.ts';

backendConformance(
  'lmdb',
  async () => {
    const path = await mkdtemp(join(tmpdir(), 'kernetes-lmdb-'));
    let backend = await openLmdb({ path });
    return {
      backend,
      prefix: '/test/',
      reopen: async () => {
        await backend.close();
        backend = await openLmdb({ path });
        return backend;
      },
      dispose: async () => {
        await backend.close();
        await rm(path, { recursive: true });
      },
    };
  },
  { histories: 20 },
);
