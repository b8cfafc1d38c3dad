import type { Timer } from '../../sdk/clock.ts';
import type { DoorWatch, DoorWatchRequest, DoorWatchSink } from '../../sdk/door.ts';
import { expired } from '../../sdk/status.ts';
import { Limits } from '../limits.ts';
import type { StoredObject } from '../store/stored-object.ts';
import {
  type ChannelEvent,
  type ChannelSpec,
  objectsOf,
  type Subscriber,
} from '../watch/channel.ts';
import { bookmark, framer } from './frames.ts';
import { parseRevision } from './read.ts';
import type { Served } from './registry.ts';
import { exactName, matcherOf } from './select.ts';
import type { Stages } from './stages.ts';

/** A receiver of events that wants objects rather than bytes, or both. */
export interface EventSink {
  onEvents(events: readonly ChannelEvent[], bytes: () => Uint8Array): void;
  onBookmark(revision: number, frame: Uint8Array): void;
  onEnd(): void;
}

/**
 * The revision that the cache must show before the watch can open: `''` for the newest, `'0'` for
 * whatever it shows. Who names a revision to start after need not wait, even for one to come.
 */
export function watchNeeds({ resourceVersion, sendInitialEvents }: DoorWatchRequest): string {
  if (!resourceVersion || sendInitialEvents) return resourceVersion ?? '';
  return '0';
}

/**
 * Waits until everything that the watch begins with can be shown. It can then be opened, if that is
 * done at once.
 */
export async function prepareWatch(
  stages: Stages,
  served: Served,
  request: DoorWatchRequest,
): Promise<void> {
  const since = startOf(stages, request);
  const beginning = () => {
    if (since === undefined) return candidates(served, request);
    return objectsOf([...stages.bus.changes(served.store, since)]);
  };
  // More may have happened meanwhile.
  for (let pending = served.prepare(beginning()); pending; pending = served.prepare(beginning())) {
    await pending;
  }
}

/** Opens a watch. What exists, or happened since, is handed over before it returns. */
export function openWatch(
  stages: Stages,
  served: Served,
  request: DoorWatchRequest,
  sink: EventSink,
): DoorWatch {
  const { bus, clock } = stages;
  const spec = channelOf(stages, served, request);
  const since = startOf(stages, request);
  let unsubscribe: () => void = () => undefined;
  const timers: Timer[] = [];
  let open = true;
  const close = () => {
    open = false;
    for (const timer of timers) timer.cancel();
    unsubscribe();
  };
  const subscriber: Subscriber = {
    onEvents: (events, bytes) => {
      if (open) sink.onEvents(events, bytes);
    },
    onEnd: () => {
      if (!open) return;
      close();
      sink.onEnd();
    },
  };
  if (since === undefined) sendInitial(stages, served, request, spec, sink);
  const revision = since ?? bus.revision;
  const later = revision > bus.revision ? onlyAfter(revision, spec, subscriber) : subscriber;
  unsubscribe = bus.subscribe(spec, Math.min(revision, bus.revision), later);
  const { timeoutSeconds } = request;
  const endsAt = timeoutSeconds ? clock.now() + timeoutSeconds * 1_000 : undefined;
  if (request.allowBookmarks) {
    const send = () => {
      // What happened before the bookmark must not come after it.
      bus.flush();
      const now = bus.revision;
      if (served.isPreparing) return;
      if (now >= revision) sink.onBookmark(now, bookmark(served, request.shape, now));
    };
    timers.push(sendBookmarks(stages, endsAt, send));
  }
  if (timeoutSeconds) {
    const timer = clock.setTimeout(subscriber.onEnd, Math.max(0, timeoutSeconds * 1_000));
    timer.unref();
    timers.push(timer);
  }
  return { close };
}

/** Bytes for the wire; a receiver that is over its bound is cut off. */
export function byteSink(sink: DoorWatchSink, close: () => void): EventSink {
  const write = (bytes: Uint8Array) => {
    if (sink.write(bytes)) return;
    close();
    sink.end();
  };
  return {
    onEvents: (_events, bytes) => write(bytes()),
    onBookmark: (_revision, frame) => write(frame),
    onEnd: () => sink.end(),
  };
}

/** The revision to start after; undefined: with what exists. */
function startOf({ bus }: Stages, request: DoorWatchRequest): number | undefined {
  const { resourceVersion, sendInitialEvents } = request;
  if (sendInitialEvents) return undefined;
  if (!resourceVersion || resourceVersion === '0') {
    return sendInitialEvents === false ? bus.revision : undefined;
  }
  const revision = parseRevision(resourceVersion);
  if (!bus.remembers(revision)) {
    throw expired(`too old resource version: ${revision} (${bus.since})`);
  }
  return revision;
}

/** A watch from a revision to come says nothing of what happens before it. */
function onlyAfter(revision: number, spec: ChannelSpec, subscriber: Subscriber): Subscriber {
  return {
    onEvents(events, bytes) {
      const later = events.filter(event => event.revision > revision);
      if (later.length === 0) return;
      const frames = () => Buffer.concat(later.map(e => spec.frame(e.type, e.object)));
      subscriber.onEvents(later, later.length === events.length ? bytes : frames);
    },
    onEnd: () => subscriber.onEnd(),
  };
}

function sendInitial(
  stages: Stages,
  served: Served,
  request: DoorWatchRequest,
  spec: ChannelSpec,
  sink: EventSink,
): void {
  let events: ChannelEvent[] = [];
  let size = 0;
  const flush = () => {
    const chunk = events;
    events = [];
    size = 0;
    sink.onEvents(chunk, () => Buffer.concat(chunk.map(e => spec.frame(e.type, e.object))));
  };
  for (const stored of candidates(served, request)) {
    const object = served.encode(stored);
    if (spec.matches && !spec.matches(object.object())) continue;
    events.push({ type: 'ADDED', object, revision: stored.revision });
    size += object.tail.length;
    if (size >= Limits.watchInitialChunkBytes) flush();
  }
  if (events.length > 0) flush();
  if (request.sendInitialEvents && request.allowBookmarks) {
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const revision = stages.bus.revision;
    sink.onBookmark(revision, bookmark(served, request.shape, revision, annotations));
  }
}

function candidates(served: Served, request: DoorWatchRequest): Iterable<StoredObject> {
  const name = nameOf(served, request);
  if (!name) return served.store.scan(request.namespace ?? '');
  const one = served.store.get(served.key(request.namespace, name));
  return one ? [one] : [];
}

/** The one object that is watched, if it is one: others then cost the watch nothing. */
function nameOf({ kind }: Served, { name, namespace, fieldSelector }: DoorWatchRequest): string {
  if (name) return name;
  return kind.namespaced && !namespace ? '' : exactName(fieldSelector);
}

function channelOf(stages: Stages, served: Served, request: DoorWatchRequest): ChannelSpec {
  const { namespace = '', labelSelector = '', fieldSelector = '', shape } = request;
  const name = nameOf(served, request);
  const matches = matcherOf(served, request);
  const form = [shape.name, shape.apiVersion ?? '', shape.includeObject ?? ''].join(' ');
  const id = JSON.stringify([
    served.apiVersion,
    namespace,
    name,
    labelSelector,
    fieldSelector,
    form,
  ]);
  return {
    id,
    resource: served.store,
    namespace,
    name,
    ...(matches && { matches }),
    encode: stored => served.encode(stored),
    ...(served.kind.convert && {
      encodeAt: (stored: StoredObject, revision: number) => served.encodeAt(stored, revision),
      prepare: (stored: Iterable<StoredObject>) => served.prepare(stored),
    }),
    frame: framer(stages, served, shape, form),
  };
}

/**
 * Calls `send` about once a minute and, so that the next watch need not go back far, shortly before
 * the end.
 */
function sendBookmarks({ clock }: Stages, endsAt: number | undefined, send: () => void): Timer {
  let timer: Timer | undefined;
  const next = () => {
    const untilEnd =
      (endsAt ?? Number.POSITIVE_INFINITY) - clock.now() - Limits.bookmarkBeforeEndMs;
    if (untilEnd <= 0) return;
    timer = clock.setTimeout(
      () => {
        send();
        next();
      },
      Math.min(Limits.bookmarkIntervalMs, untilEnd),
    );
    timer.unref();
  };
  next();
  return { cancel: () => timer?.cancel(), unref: () => timer?.unref() };
}
