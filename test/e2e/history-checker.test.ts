import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Call, Data, History, Segment, Version, WatchedEvent, Write } from './history.ts';
import { violations } from './history-checker.ts';

const x = (revision: number, id: string, more: Data = {}, uid = 'u'): Version => {
  return { name: 'x', uid, revision, data: { id, ...more } };
};
const event = (type: string, version: Version): WatchedEvent => ({ type, ...version });

/** Takes place from one tick to another. */
const write = (
  verb: Write['verb'],
  id: string,
  [invoked, returned]: readonly [number, number],
  rest: Partial<Write> = {},
): Write => ({ type: 'write', name: 'x', verb, id, invoked, returned, sets: { id }, ...rest });

const CREATED = write('create', 'a', [1, 2], { answer: x(11, 'a') });
const UPDATED = write('update', 'b', [3, 4], { expected: 11, answer: x(12, 'b') });
const PATCHED = write('patch', 'c', [5, 6], {
  sets: { id: 'c', p: '1' },
  answer: x(13, 'c', { p: '1' }),
});
const DELETED = write('delete', 'd', [7, 8], { answer: { deleted: 'u' } });
const EVENTS = [
  event('ADDED', x(11, 'a')),
  event('MODIFIED', x(12, 'b')),
  event('MODIFIED', x(13, 'c', { p: '1' })),
  event('DELETED', x(14, 'c', { p: '1' })),
];
const CALLS: readonly Call[] = [CREATED, UPDATED, PATCHED, DELETED];
const SEGMENT: Segment = { watcher: 'w', name: '', since: 10, until: 20, events: EVENTS };
const GOOD: History = { calls: CALLS, segments: [SEGMENT] };

const watched = (events: readonly WatchedEvent[]): History => ({
  calls: CALLS,
  segments: [SEGMENT, { ...SEGMENT, watcher: 'v', events }],
});
const and = (...calls: readonly Call[]): History => ({ ...GOOD, calls: [...CALLS, ...calls] });
const told = (...events: readonly WatchedEvent[]): readonly Segment[] => [{ ...SEGMENT, events }];

const get = (invoked: number, returned: number, found?: Version): Call => {
  return { type: 'get', name: 'x', invoked, returned, ...(found && { found }) };
};
const list = (invoked: number, returned: number, revision: number, items: Version[] = []): Call => {
  return { type: 'list', invoked, returned, revision, items };
};
const Y: Version = { ...x(15, 'e', {}, 'v'), name: 'y' };
const NEVER = Number.POSITIVE_INFINITY;

describe('violations()', () => {
  const good: Readonly<Record<string, History>> = {
    'what happened': GOOD,
    'reads of what was there': and(
      get(1, 3),
      get(1, 3, x(11, 'a')),
      get(3, 5, x(11, 'a')),
      get(8, 9),
      list(3, 5, 12, [x(12, 'b')]),
      list(8, 9, 17),
    ),
    'refusals for what was so': and(
      write('create', 'e', [3, 4], { answer: { refused: 'AlreadyExists' } }),
      write('update', 'f', [4, 5], { expected: 11, answer: { refused: 'Conflict' } }),
      write('patch', 'g', [7, 9], { answer: { refused: 'NotFound' } }),
    ),
    'writes of unknown outcome that never took place': and(
      write('patch', 'e', [1, NEVER]),
      write('delete', 'f', [3, NEVER]),
    ),
    'one that took place late': {
      calls: [CREATED, write('patch', 'e', [2, NEVER], { sets: { id: 'e' } })],
      segments: told(event('ADDED', x(11, 'a')), event('MODIFIED', x(12, 'e'))),
    },
    'a watch of one object': {
      calls: CALLS,
      segments: [SEGMENT, { ...SEGMENT, name: 'x', since: 11, events: EVENTS.slice(1) }],
    },
    'what was seen in a gap before a deletion that nobody saw': {
      calls: [
        ...CALLS,
        write('create', 'e', [6.1, 6.2], { name: 'y', answer: Y }),
        get(6.3, 6.4, x(13, 'c', { p: '1' })),
        list(6.5, 6.6, 16, [x(13, 'c', { p: '1' }), Y]),
        list(9, 10, 20, [Y]),
        get(11, 12),
      ],
      segments: [
        { ...SEGMENT, until: 12, events: EVENTS.slice(0, 2) },
        { ...SEGMENT, since: 20, until: 30, events: [] },
      ],
    },
    'a gap in which it was deleted and nobody saw it': {
      calls: [...CALLS, list(9, 10, 20), get(11, 12)],
      segments: [
        { ...SEGMENT, until: 13, events: EVENTS.slice(0, 3) },
        { ...SEGMENT, since: 20, until: 30, events: [] },
      ],
    },
  };
  for (const [name, history] of Object.entries(good)) {
    it(`finds nothing wrong with ${name}`, () => assert.deepEqual(violations(history), []));
  }

  const other = x(12, 'e');
  const bad: Readonly<Record<string, readonly [History, RegExp]>> = {
    'a missed event': [watched(EVENTS.filter((_, i) => i !== 1)), /v was told revision 13 where/],
    'a missed last event': [watched(EVENTS.slice(0, -1)), /v was told nothing where revision 14/],
    'an event twice': [watched([...EVENTS.slice(0, 2), ...EVENTS.slice(1)]), /v was told/],
    'events out of order': [
      watched([0, 2, 1, 3].flatMap(i => EVENTS[i] ?? [])),
      /v was told revision 13 where revision 12/,
    ],
    'an event of the wrong type': [
      watched([{ ...event('MODIFIED', x(11, 'a')) }, ...EVENTS.slice(1)]),
      /MODIFIED of revision 11, which is ADDED/,
    ],
    'an acknowledged write that no watch was told of': [
      and(write('create', 'e', [9, 10], { answer: x(15, 'e', {}, 'u2') })),
      /w was told nothing where revision 15/,
    ],
    'an acknowledged delete that did not take place': [
      { calls: CALLS, segments: told(...EVENTS.slice(0, 3)) },
      /the deletion d never took place/,
    ],
    'two states of one revision': [watched([event('ADDED', x(11, 'z'))]), /is both/],
    'a change that nobody made': [
      {
        calls: [CREATED],
        segments: told(event('ADDED', x(11, 'a')), event('MODIFIED', x(12, 'z'))),
      },
      /nobody wrote revision 12/,
    ],
    'an unknown write that took place twice': [
      {
        calls: [CREATED, write('patch', 'e', [2, NEVER], { sets: { id: 'e' } })],
        segments: told(
          event('ADDED', x(11, 'a')),
          event('MODIFIED', x(12, 'e')),
          event('MODIFIED', x(13, 'e')),
        ),
      },
      /write e took place again/,
    ],
    'a refused write that took place': [
      {
        calls: [CREATED, write('patch', 'e', [3, 4], { answer: { refused: 'NotFound' } })],
        segments: told(event('ADDED', x(11, 'a')), event('MODIFIED', other)),
      },
      /write e was refused and took place/,
    ],
    'an update of a version that was replaced': [
      {
        calls: [
          CREATED,
          UPDATED,
          write('update', 'e', [3, 5], { expected: 11, answer: x(13, 'e') }),
        ],
        segments: told(
          event('ADDED', x(11, 'a')),
          event('MODIFIED', x(12, 'b')),
          event('MODIFIED', x(13, 'e')),
        ),
      },
      /an update is lost: it replaced 12/,
    ],
    'a patch that lost another': [
      {
        calls: [CREATED, PATCHED, write('patch', 'e', [5, 7], { answer: x(14, 'e') })],
        segments: told(
          event('ADDED', x(11, 'a')),
          event('MODIFIED', x(13, 'c', { p: '1' })),
          event('MODIFIED', x(14, 'e')),
        ),
      },
      /write e.*an update is lost/,
    ],
    'a create of what was there': [
      {
        calls: [CREATED, write('create', 'e', [3, 4], { answer: x(12, 'e') })],
        segments: told(event('ADDED', x(11, 'a')), event('ADDED', other)),
      },
      /it was there already/,
    ],
    'writes in another order than they were made': [
      {
        calls: [
          write('create', 'a', [1, 9], { answer: x(11, 'a') }),
          write('patch', 'b', [7, 8], { answer: x(12, 'b') }),
          write('patch', 'c', [3, 4], { answer: x(13, 'c') }),
        ],
        segments: told(
          event('ADDED', x(11, 'a')),
          event('MODIFIED', x(12, 'b')),
          event('MODIFIED', x(13, 'c')),
        ),
      },
      /revision 13 .* comes after what began when it was over/,
    ],
    'a stale get': [and(get(5, 6, x(11, 'a'))), /a get of x at 5 found 11/],
    'a get that goes back': [
      and(get(3, 3.2, x(12, 'b')), get(3.4, 3.6, x(11, 'a'))),
      /a get of x at 3.4 found 11/,
    ],
    'a get of nothing where something is': [and(get(5, 6)), /a get of x at 5 found nothing/],
    'a get of what comes later': [and(get(1, 2.5, x(12, 'b'))), /a get of x at 1 found 12/],
    'a stale list': [and(list(5, 6, 11, [x(11, 'a')])), /is older than 12/],
    'a list that lacks an object': [and(list(5, 6, 12)), /has x at undefined, want 12/],
    'a list that has a deleted one': [
      and(list(9, 10, 15, [x(13, 'c', { p: '1' })])),
      /has x at 13, want none/,
    ],
    'a list of what comes later': [
      and(list(1, 2.5, 12, [x(12, 'b')])),
      /shows what began after it/,
    ],
    'a conflict that was none': [
      and(write('update', 'e', [4.2, 4.5], { expected: 12, answer: { refused: 'Conflict' } })),
      /refused for Conflict/,
    ],
    'a NotFound of what was there': [
      and(write('patch', 'e', [5, 6], { answer: { refused: 'NotFound' } })),
      /refused for NotFound/,
    ],
    'an acknowledged write that a gap swallowed': [
      {
        calls: [...CALLS.slice(0, 3), list(9, 10, 20, [x(11, 'a')])],
        segments: [
          { ...SEGMENT, until: 11, events: EVENTS.slice(0, 1) },
          { ...SEGMENT, since: 20, until: 30, events: [] },
        ],
      },
      /has x at 11, want 13/,
    ],
    'an acknowledged delete that a gap undid': [
      {
        calls: [...CALLS, list(9, 10, 20, [x(13, 'c', { p: '1' })])],
        segments: [
          { ...SEGMENT, until: 13, events: EVENTS.slice(0, 3) },
          { ...SEGMENT, since: 20, until: 30, events: [] },
        ],
      },
      /what d deleted was seen again/,
    ],
  };
  for (const [name, [history, wanted]] of Object.entries(bad)) {
    it(`finds ${name}`, () => {
      const found = violations(history);
      assert.ok(
        found.some(each => wanted.test(each)),
        JSON.stringify(found),
      );
    });
  }
});
