import type { EncodedObject, Shape, ShapeTransform } from '../../sdk/door.ts';
import type { WatchEventType } from '../../sdk/request.ts';
import type { ChannelSpec } from '../watch/channel.ts';
import type { Served } from './registry.ts';
import type { Stages } from './stages.ts';

/** Makes frames of a shape; `form` names the shape with all that it depends on. */
export function framer(
  stages: Stages,
  served: Served,
  shape: Shape,
  form: string,
): ChannelSpec['frame'] {
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

/** `annotations` mark the end of the initial events. */
export function bookmark(
  { kind, apiVersion }: Served,
  shape: Shape,
  revision: number,
  annotations?: Record<string, string>,
): Buffer {
  const metadata: BookmarkMetadata = {
    resourceVersion: String(revision),
    ...(annotations && { annotations }),
  };
  const object =
    shape.name === 'object'
      ? { kind: kind.kind, apiVersion, metadata }
      : shape.name === 'Table'
        ? bookmarkTable(shape, metadata)
        : { kind: shape.name, apiVersion: shape.apiVersion, metadata };
  return Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
}

/** A list's metadata has no annotations: those are in the row's object. */
function bookmarkTable({ apiVersion, includeObject }: Shape, metadata: BookmarkMetadata): object {
  const { resourceVersion } = metadata;
  const object = { kind: 'PartialObjectMetadata', apiVersion, metadata };
  const row = { cells: [], object: includeObject === 'None' ? null : object };
  const meta = { resourceVersion };
  return { kind: 'Table', apiVersion, metadata: meta, columnDefinitions: [], rows: [row] };
}

interface BookmarkMetadata {
  readonly resourceVersion: string;
  readonly annotations?: Readonly<Record<string, string>>;
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
