import { authorizerPoint } from '../../sdk/auth.ts';
import type { Clock } from '../../sdk/clock.ts';
import { type DoorWatchRequest, decoderPoint, patcherPoint } from '../../sdk/door.ts';
import type { ExtensionPoint } from '../../sdk/extension.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { KindDefinition } from '../../sdk/kind-definition.ts';
import type { Logger } from '../../sdk/logger.ts';
import type { Random } from '../../sdk/random.ts';
import type { ObjectRequest } from '../../sdk/request.ts';
import type { Schema } from '../../sdk/schema.ts';
import { Extensions } from '../extensions.ts';
import { toObject } from '../plugin-link.ts';
import { memoryBackend } from '../store/memory.ts';
import { ObjectStore } from '../store/object-store.ts';
import { WatchBus } from '../watch/bus.ts';
import { KernelDoor } from './door.ts';
import { KindRegistry } from './registry.ts';
import { Stages } from './stages.ts';

/** A kind of the tests' own. */
export interface Widget extends KubeObject {
  spec?: { size?: number };
  status?: { phase?: string };
}

export const ALICE = { name: 'alice', groups: [] };

/** A door on a memory store with one kind, a lenient decoder, and a merge patch. */
export async function openDoor(
  kind: Partial<KindDefinition> = {},
  backend = memoryBackend(),
  clock: Clock & { step(ms: number): unknown } = new SteppedClock(),
) {
  const bus = new WatchBus();
  const objects = new ObjectStore(backend, bus, SILENT, { freeze: true });
  await objects.start();
  const kinds = new KindRegistry(objects, bus);
  await kinds.add({ ...WIDGET, ...kind });
  const extensions = new Extensions(() => 0);
  const provide = <T>(point: ExtensionPoint<T>, value: T, name: string = point.name) =>
    extensions.provide(point, { name, plugin: 'test', value, remote: false });
  provide(decoderPoint, { decode });
  provide(patcherPoint, { types: ['application/merge-patch+json'], patch: mergePatch });
  provide(authorizerPoint, {
    authorize: ({ user }) => (user.name === ALICE.name ? 'allow' : 'no-opinion'),
  });
  const stages = new Stages({ objects, bus, kinds, extensions, clock, random: counting() });
  const door = new KernelDoor(stages, SILENT);
  const request = async (asked: Asked, user = ALICE) => {
    const answer = await door.request(user, { ...AT, ...asked });
    return toObject(answer) as Widget;
  };
  const watch = async (asked: Partial<DoorWatchRequest> = {}) => {
    const events: string[] = [];
    const sink = {
      write(frames: Uint8Array) {
        events.push(...Buffer.from(frames).toString().trim().split('\n'));
        return true;
      },
      end: () => void events.push('end'),
    };
    const { name: _, ...at } = AT;
    const shape = { name: 'object' as const };
    const opened = await door.watch(ALICE, { ...at, shape, allowBookmarks: false, ...asked }, sink);
    return { events, close: () => opened.close() };
  };
  return { door, objects, clock, provide, request, watch, backend };
}

export function widget(name: string, size?: number): Widget {
  return { metadata: { name }, ...(size !== undefined && { spec: { size } }) };
}

type Asked = Pick<ObjectRequest, 'verb'> & Partial<ObjectRequest>;

const AT = { group: 'test', version: 'v1', resource: 'widgets', namespace: 'x' } as {
  group: string;
  version: string;
  resource: string;
  namespace: string;
  name?: string;
};

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const ANYTHING = {} as Schema;

const WIDGET: KindDefinition = {
  group: 'test',
  kind: 'Widget',
  resource: 'widgets',
  singular: 'widget',
  namespaced: true,
  storage: { prefix: 'registry/test/widgets', version: 'v1' },
  versions: [{ name: 'v1', schema: ANYTHING }],
  strategy: { status: true, generation: true },
  selectableFields: { 'spec.size': object => String((object as Widget).spec?.size ?? '') },
};

class SteppedClock implements Clock {
  #now = Date.UTC(2026, 0, 1);

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  step(ms: number): void {
    this.#now += ms;
  }

  setTimeout() {
    return { cancel() {}, unref() {} };
  }
}

function counting(): Random {
  let count = 0;
  return { next: () => 0, integer: bound => count++ % bound, uuid: () => `uid-${count++}` };
}

function decode(body: unknown, _schema: Schema, { group, version, kind }: Record<string, string>) {
  const { metadata = {}, nope, ...rest } = structuredClone(body) as Widget & { nope?: unknown };
  const apiVersion = `${group}/${version}`;
  const object = { ...rest, kind: kind ?? '', apiVersion, metadata };
  const { kind: k, apiVersion: a, metadata: m, ...others } = object;
  const ordered: KubeObject = { kind: k, apiVersion: a, metadata: m, ...others };
  return { object: ordered, unknown: nope === undefined ? [] : ['nope'] };
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): KubeObject {
  return merged(target, patch) as KubeObject;
}

function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
