import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Logger } from '../../sdk/logger.ts';
import { fakeClock } from '../../sdk/testing/fake-clock.ts';
import { WatchBus } from '../watch/bus.ts';
import { Expiry } from './expiry.ts';
import { memoryBackend } from './memory.ts';
import { ObjectStore } from './object-store.ts';
import { StorageForm } from './stored-object.ts';

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const MINUTE = 60_000;

async function open() {
  const clock = fakeClock(Date.UTC(2026, 0, 1));
  const bus = new WatchBus();
  const objects = new ObjectStore(memoryBackend(), bus, log);
  await objects.start();
  const resource = await objects.register('registry/notes', true, new StorageForm('Note', 'v1'));
  const write = async (name: string, data = '') => {
    const key = `x/${name}`;
    const metadata = {
      namespace: 'x',
      name,
      creationTimestamp: new Date(clock.now()).toISOString(),
    };
    const object = { kind: 'Note', apiVersion: 'v1', metadata, data };
    await objects.write(resource, { key, expected: resource.get(key)?.revision ?? 0, object });
  };
  const expiry = () => new Expiry(resource, 60 * MINUTE, { objects, bus, clock, log });
  const names = () => [...resource.scan('')].map(({ key }) => key);
  return { clock, write, expiry, names };
}

it('removes what was not written for its time, and leaves the rest', async () => {
  const { clock, write, expiry, names } = await open();
  await write('old');
  expiry();
  await clock.step(30 * MINUTE);
  await write('renewed');
  await write('young');
  await clock.step(20 * MINUTE);
  await write('renewed', 'again');
  await clock.step(11 * MINUTE);
  assert.deepEqual(names(), ['x/renewed', 'x/young']);
  await clock.step(30 * MINUTE);
  assert.deepEqual(names(), ['x/renewed']);
  await clock.step(30 * MINUTE);
  assert.deepEqual(names(), []);
});

it('does nothing after close()', async () => {
  const { clock, write, expiry, names } = await open();
  await write('a');
  expiry().close();
  await clock.step(120 * MINUTE);
  assert.deepEqual(names(), ['x/a']);
});
