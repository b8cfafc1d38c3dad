import type { Timer } from '../../sdk/clock.ts';
import type {
  DoorWatch,
  DoorWatchRequest,
  DoorWatchSink,
  EncodedObject,
  Shape,
  ShapeTransform,
} from '../../sdk/door.ts';
import type { WatchEventType } from '../../sdk/request.ts';
import { expired } from '../../sdk/status.ts';
import { Limits } from '../limits.ts';
import type { StoredObject } from '../store/stored-object.ts';
import type { ChannelEvent, ChannelSpec, Subscriber } from '../watch/channel.ts';
import { parseRevision } from './read.ts';
import type { Served } from './registry.ts';
import { matcherOf } from './select.ts';
import type { Stages } from './stages.ts';

/** A receiver of events that wants objects rather than bytes, or both. */
export interface EventSink {
  onEvents(events: readonly ChannelEvent[], bytes: () => Uint8Array): void;
  onBookmark(revision: number, frame: Uint8Array): void;
  onEnd(): void;
}

/** Opens a watch. What exists, or happened since, is handed over before it returns. */
export function openWatch(
  stages: Stages,
  served: Served,
  request: DoorWatchRequest,
  sink: EventSink,
): DoorWatch {
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
  const revision = since ?? stages.bus.revision;
  unsubscribe = stages.bus.subscribe(spec, revision, subscriber);
  if (request.allowBookmarks) timers.push(bookmarkEvery(stages, served, request, sink));
  if (request.timeoutSeconds) {
    timers.push(stages.clock.setTimeout(subscriber.onEnd, request.timeoutSeconds * 1_000));
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
function startOf({ objects, bus }: Stages, request: DoorWatchRequest): number | undefined {
  const { resourceVersion, sendInitialEvents } = request;
  if (sendInitialEvents || !resourceVersion || resourceVersion === '0') return undefined;
  const revision = parseRevision(resourceVersion);
  if (!bus.remembers(revision)) {
    throw expired(`too old resource version: ${revision} (${objects.revision})`);
  }
  return Math.min(revision, bus.revision);
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
  if (request.sendInitialEvents) {
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const revision = stages.bus.revision;
    sink.onBookmark(revision, bookmark(served, request.shape, revision, annotations));
  }
}

function candidates(served: Served, request: DoorWatchRequest): Iterable<StoredObject> {
  if (!request.name) return served.store.scan(request.namespace ?? '');
  const one = served.store.get(served.key(request.namespace, request.name));
  return one ? [one] : [];
}

function channelOf(stages: Stages, served: Served, request: DoorWatchRequest): ChannelSpec {
  const { namespace = '', name = '', labelSelector = '', fieldSelector = '', shape } = request;
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
    frame: framer(stages, served, shape, form),
  };
}

function framer(stages: Stages, served: Served, shape: Shape, form: string): ChannelSpec['frame'] {
  if (shape.name === 'object') {
    return (type, object) =>
      cachedFrame(served, object, type + form, () => objectFrame(type, object));
  }
  const transform = stages.shape(shape.name);
  return (type, object) =>
    cachedFrame(served, object, type + form, () =>
      shapedFrame(stages, served, shape, transform, type, object),
    );
}

function objectFrame(type: WatchEventType, { head, tail }: EncodedObject): Buffer {
  return Buffer.concat([STARTS[type], head, tail, FRAME_END]);
}

function shapedFrame(
  { clock }: Stages,
  { kind, version }: Served,
  shape: Shape,
  transform: ShapeTransform,
  type: WatchEventType,
  object: EncodedObject,
): Buffer {
  const context = { kind, version, shape, now: clock.now() };
  // Which row a watcher sees first differs between watchers that share the frame; the column
  // definitions go with each, which clients accept.
  const value = transform.one(object.object(), context, true);
  return Buffer.from(`${JSON.stringify({ type, object: value })}\n`);
}

function bookmarkEvery(
  stages: Stages,
  served: Served,
  request: DoorWatchRequest,
  sink: EventSink,
): Timer {
  let timer: Timer;
  const next = () => {
    timer = stages.clock.setTimeout(() => {
      const revision = stages.bus.revision;
      sink.onBookmark(revision, bookmark(served, request.shape, revision));
      next();
    }, Limits.bookmarkIntervalMs);
    timer.unref();
  };
  next();
  return { cancel: () => timer.cancel(), unref: () => timer.unref() };
}

function bookmark(
  { kind, apiVersion }: Served,
  shape: Shape,
  revision: number,
  annotations?: Record<string, string>,
): Buffer {
  const metadata = { resourceVersion: String(revision), ...(annotations && { annotations }) };
  const object =
    shape.name === 'object'
      ? { kind: kind.kind, apiVersion, metadata }
      : shape.name === 'Table'
        ? {
            kind: 'Table',
            apiVersion: shape.apiVersion,
            metadata,
            columnDefinitions: null,
            rows: [],
          }
        : { kind: shape.name, apiVersion: shape.apiVersion, metadata };
  return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
}

/** One encoding of an object serves every channel that wants it in this form. */
function cachedFrame(
  served: Served,
  object: EncodedObject,
  id: string,
  make: () => Buffer,
): Buffer {
  let known = served.frames.get(object);
  if (known === undefined) {
    known = new Map();
    served.frames.set(object, known);
  }
  let frame = known.get(id);
  if (frame === undefined) {
    frame = make();
    known.set(id, frame);
  }
  return frame;
}

const STARTS: Record<WatchEventType, Buffer> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
  BOOKMARK: Buffer.from('{"type":"BOOKMARK","object":'),
};
const FRAME_END = Buffer.from('}\n');
