import { openLmdb } from './lmdb.ts';

/**
 * A program for tests: opens the directory that it is given and then, for as long as it lives,
 * commits pairs of keys and prints the number of each pair once it is acknowledged.
 */
const [path = '', committers = '1', pairs = 'Infinity'] = process.argv.slice(2);
try {
  const backend = await openLmdb({ path });
  const first = await backend.revision();
  process.stdout.write(`open ${first}\n`);
  let started = 0;
  const write = async () => {
    while (started < Number(pairs)) {
      const pair = `${first}-${started++}`;
      const value = Buffer.alloc(1_024, pair);
      const operations = [
        { put: `/a/${pair}`, value },
        { put: `/b/${pair}`, value },
      ];
      await backend.commit([{ compare: [{ key: `/a/${pair}`, modRevision: 0 }], operations }]);
      process.stdout.write(`${pair}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(committers) }, write));
  await backend.close();
} catch (error) {
  process.stdout.write(`${error}\n`);
  process.exitCode = 1;
}
