import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Event, Node, Pod } from './api/types-core-v1.ts';
import { delay } from './clock.ts';
import type { ObjectRequest } from './request.ts';
import { serviceUnavailable } from './status.ts';
import { node, pod } from './testing/builders.ts';
import { testContext } from './testing/test-context.ts';

function setUp(name = 'controller.replicaset') {
  const { context, kernel, clock } = testContext({ name });
  const [about] = kernel.add(Pod, pod('web'));
  assert.ok(about);
  const written = async () => {
    await clock.step(0);
    return kernel.all(Event).map(({ message, count }) => [message, count]);
  };
  return { ...context, about, kernel, clock, written };
}

describe('event recorder', () => {
  it('writes an Event as client-go does', async () => {
    const { events, about, kernel, clock } = setUp();
    events.event(about, 'Warning', 'FailedCreate', 'Error creating: no');
    await clock.step(0);
    const [event] = kernel.all(Event);
    assert.ok(event);
    assert.match(event.metadata.name ?? '', /^web\.[0-9a-f]{16}$/);
    const { uid, resourceVersion } = about.metadata;
    assert.ok(uid && resourceVersion);
    const object = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web' };
    assert.deepEqual(event.involvedObject, { ...object, uid, resourceVersion });
    assert.deepEqual(event.source, { component: 'replicaset-controller' });
    assert.deepEqual([event.type, event.reason, event.count], ['Warning', 'FailedCreate', 1]);
    assert.equal(event.firstTimestamp, event.lastTimestamp);
  });

  it('takes another source, and puts what has no namespace into default', async () => {
    const { events, kernel, clock } = setUp();
    const [n1] = kernel.add(Node, node('n1'));
    assert.ok(n1);
    events.event(n1, 'Normal', 'Starting', 'x', { component: 'kubelet', host: 'n1' });
    await clock.step(0);
    const [event] = kernel.all(Event);
    assert.equal(event?.metadata.namespace, 'default');
    assert.equal(event?.involvedObject.namespace, undefined);
    assert.deepEqual(event?.source, { component: 'kubelet', host: 'n1' });
  });

  it('counts repetitions on one Event, also those of one moment', async () => {
    const { events, about, kernel, clock, written } = setUp();
    events.event(about, 'Normal', 'Again', 'same');
    events.event(about, 'Normal', 'Again', 'same');
    await clock.step(60_000);
    events.event(about, 'Normal', 'Again', 'same');
    assert.deepEqual(await written(), [['same', 3]]);
    const [event] = kernel.all(Event);
    assert.notEqual(event?.firstTimestamp, event?.lastTimestamp);
    assert.deepEqual(
      kernel.requests.filter(({ resource }) => resource === 'events').map(({ verb }) => verb),
      ['create', 'patch'],
    );
  });

  it('combines the tenth message of a reason and later ones, until ten minutes of silence', async () => {
    const { events, about, clock, written } = setUp();
    for (let i = 0; i < 14; i++) events.event(about, 'Normal', 'Many', `message ${i}`);
    const combined = (await written()).filter(([message]) => `${message}`.startsWith('(combined'));
    assert.deepEqual(combined, [['(combined from similar events): message 13', 5]]);
    assert.equal((await written()).length, 10);
    await clock.step(600_001);
    events.event(about, 'Normal', 'Many', 'message 14');
    assert.equal((await written()).length, 11);
  });

  it('stops after 25 about one object and allows one more every five minutes', async () => {
    const { events, about, clock, written } = setUp();
    for (let i = 0; i < 30; i++) events.event(about, 'Normal', 'Burst', 'same');
    assert.deepEqual(await written(), [['same', 25]]);
    await clock.step(300_000);
    for (let i = 0; i < 5; i++) events.event(about, 'Normal', 'Burst', 'same');
    assert.deepEqual(await written(), [['same', 26]]);
  });

  it('begins a new Event when the counted one is gone', async () => {
    const { events, about, kernel, clock, written } = setUp();
    events.event(about, 'Normal', 'Again', 'same');
    await clock.step(0);
    const { name = '' } = kernel.all(Event)[0]?.metadata ?? {};
    await kernel.objects.delete(Event, { namespace: 'default', name });
    events.event(about, 'Normal', 'Again', 'same');
    assert.deepEqual(await written(), [['same', 2]]);
  });

  it('gives way to other work: the longer a batch takes, the longer the next one waits', async () => {
    const { kernel, clock } = testContext();
    const link = kernel.link('controller.replicaset');
    const slow = async (requests: readonly ObjectRequest[]) => {
      await delay(clock, 10);
      return link.request(requests);
    };
    const { context } = testContext({ kernel, clock, link: { ...link, request: slow } });
    for (let i = 0; i < 101; i++) {
      const [about] = kernel.add(Pod, pod(`web-${i}`));
      if (about) context.events.event(about, 'Normal', 'Scheduled', 'assigned');
    }
    const counts: number[] = [];
    for (const ms of [10, 39, 1, 39, 1]) {
      await clock.step(ms);
      counts.push(kernel.all(Event).length);
    }
    assert.deepEqual(counts, [50, 50, 100, 100, 101]);
  });

  it('drops and logs what cannot be written', async () => {
    const { events, about, kernel, written } = setUp();
    kernel.fault = () => serviceUnavailable('down');
    events.event(about, 'Normal', 'Lost', 'lost');
    assert.deepEqual(await written(), []);
    assert.deepEqual(
      kernel.logs.map(({ message }) => message),
      ['Event not written'],
    );
  });
});
