import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DoorWatchRequest } from '../../sdk/door.ts';
import { fakeClock } from '../../sdk/testing/fake-clock.ts';
import { openDoor, type Widget, widget } from './door-testing.ts';

/** Events as `TYPE name`, bookmarks with their version, its end as `end`. */
function told(events: readonly string[]): string[] {
  return events.map(line => {
    if (line === 'end') return line;
    const { type, object } = JSON.parse(line) as { type: string; object: Widget };
    const { name, resourceVersion, annotations } = object.metadata;
    if (type !== 'BOOKMARK') return `${type} ${name}`;
    return ['BOOKMARK', resourceVersion, ...Object.keys(annotations ?? {})].join(' ');
  });
}

describe('openWatch()', () => {
  const END = 'k8s.io/initial-events-end';
  const starts: readonly {
    readonly name: string;
    readonly request: Partial<DoorWatchRequest>;
    readonly wanted: readonly string[];
  }[] = [
    { name: 'at no resourceVersion', request: {}, wanted: ['ADDED a', 'ADDED b'] },
    { name: 'at 0', request: { resourceVersion: '0' }, wanted: ['ADDED a', 'ADDED b'] },
    { name: 'after one', request: { resourceVersion: '2' }, wanted: ['ADDED b'] },
    {
      name: 'with initial events',
      request: { sendInitialEvents: true, allowBookmarks: true },
      wanted: ['ADDED a', 'ADDED b', `BOOKMARK 3 ${END}`],
    },
    {
      name: 'with initial events at one',
      request: { sendInitialEvents: true, allowBookmarks: true, resourceVersion: '2' },
      wanted: ['ADDED a', 'ADDED b', `BOOKMARK 3 ${END}`],
    },
    {
      name: 'with initial events, but no bookmark',
      request: { sendInitialEvents: true },
      wanted: ['ADDED a', 'ADDED b'],
    },
    { name: 'without initial events', request: { sendInitialEvents: false }, wanted: [] },
    {
      name: 'without initial events at 0',
      request: { sendInitialEvents: false, resourceVersion: '0' },
      wanted: [],
    },
    {
      name: 'without initial events after one',
      request: { sendInitialEvents: false, resourceVersion: '2' },
      wanted: ['ADDED b'],
    },
  ];
  for (const { name, request: asked, wanted } of starts) {
    it(`begins ${name}`, async () => {
      const { request, watch } = await openDoor();
      for (const each of ['a', 'b']) await request({ verb: 'create', body: widget(each) });
      const { events } = await watch(asked);
      assert.deepEqual(told(events), wanted);
      await request({ verb: 'delete', name: 'a' });
      assert.deepEqual(told(events), [...wanted, 'DELETED a']);
    });
  }

  it('says nothing before a revision that is to come', async () => {
    const { request, watch } = await openDoor();
    const { events } = await watch({ resourceVersion: '4' });
    for (const each of ['a', 'b', 'c', 'd']) await request({ verb: 'create', body: widget(each) });
    assert.deepEqual(told(events), ['ADDED d']);
  });

  it('names the oldest revision that it could have begun after', async () => {
    const { request, backend } = await openDoor();
    for (const each of ['a', 'b']) await request({ verb: 'create', body: widget(each) });
    const later = await openDoor({}, backend);
    await later.request({ verb: 'create', body: widget('c') });
    await assert.rejects(
      later.watch({ resourceVersion: '1' }),
      /^ApiError: too old resource version: 1 \(3\)$/,
    );
  });

  it('selects fields in the version that is asked for', async () => {
    const { request, watch } = await openDoor({
      versions: [
        { name: 'v1', schema: {} as never },
        {
          name: 'v2',
          schema: {} as never,
          fromStorage: object => ({ ...object, spec: { size: 1_000 } }) as Widget,
        },
      ],
    });
    const fieldSelector = 'spec.size=1000';
    const { events } = await watch({ version: 'v2', fieldSelector });
    const old = await watch({ fieldSelector });
    await request({ verb: 'create', body: widget('a', 5) });
    const listed = await request({ verb: 'list', version: 'v2', options: { fieldSelector } });
    assert.equal((listed as unknown as { items: unknown[] }).items.length, 1);
    assert.deepEqual(told(events), ['ADDED a']);
    assert.deepEqual(told(old.events), []);
  });

  const bookmarks: readonly {
    readonly timeoutSeconds?: number;
    readonly at: readonly number[];
    readonly ends?: number;
  }[] = [
    { at: [60, 120, 180] },
    { timeoutSeconds: 150, at: [60, 120, 148], ends: 150 },
    { timeoutSeconds: 30, at: [28], ends: 30 },
    { timeoutSeconds: 62, at: [60], ends: 62 },
    { timeoutSeconds: 2, at: [], ends: 2 },
    { timeoutSeconds: -1, at: [], ends: 1 },
  ];
  for (const { timeoutSeconds, at, ends } of bookmarks) {
    it(`sends bookmarks at ${at.join(', ') || 'no'} s of ${timeoutSeconds ?? 'no end'}`, async () => {
      const clock = fakeClock();
      const { watch } = await openDoor({}, undefined, clock);
      const timeout = timeoutSeconds === undefined ? {} : { timeoutSeconds };
      const { events } = await watch({ allowBookmarks: true, ...timeout });
      const seen: number[] = [];
      let ended: number | undefined;
      for (let second = 1; second <= 200; second++) {
        const before = events.length;
        await clock.step(1_000);
        for (const each of told(events.slice(before))) {
          if (each === 'end') ended = second;
          else seen.push(second);
        }
      }
      assert.deepEqual([seen.slice(0, 3), ended], [at, ends]);
    });
  }
});
