import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../sdk/kind.ts';
import type { KindVersion } from '../../sdk/kind-definition.ts';
import type { Schema } from '../../sdk/schema.ts';
import { ApiError } from '../../sdk/status.ts';
import { openDoor, type Widget, widget } from './door-testing.ts';

interface LongWidget extends KubeObject {
  spec?: { length?: number };
}

const VERSIONS: KindVersion[] = ['v1', 'v2'].map(name => ({ name, schema: {} as Schema }));
const V2 = { version: 'v2' } as const;

/** A kind whose `spec.size` is called `length` in v2; `hold` keeps conversions from ending. */
async function setUp() {
  const calls: string[] = [];
  let gate = Promise.resolve();
  let failure: ApiError | undefined;
  const convert = async (objects: readonly KubeObject[], apiVersion: string) => {
    calls.push(`${apiVersion} ${objects.map(({ metadata }) => metadata.name).join(' ')}`);
    await gate;
    if (failure) throw failure;
    return objects.map(object => {
      const { spec, ...rest } = structuredClone(object) as Widget & LongWidget;
      const size = spec?.size ?? spec?.length;
      const field = apiVersion === 'test/v2' ? 'length' : 'size';
      return { ...rest, apiVersion, ...(size !== undefined && { spec: { [field]: size } }) };
    });
  };
  const opened = await openDoor({ versions: VERSIONS, convert });
  const hold = () => {
    const { promise, resolve } = withResolver();
    gate = promise;
    return resolve;
  };
  const fail = (error: ApiError | undefined) => {
    failure = error;
  };
  const spec = async (name: string, version = 'v2') =>
    (await opened.request({ verb: 'get', version, name })).spec;
  return { ...opened, calls, hold, fail, spec };
}

function withResolver() {
  let resolve = () => {};
  const promise = new Promise<void>(done => {
    resolve = done;
  });
  return { promise, resolve };
}

const settled = () => new Promise<void>(resolve => setImmediate(resolve));

function told(events: readonly string[]): string[] {
  return events.map(line => {
    if (line === 'end') return line;
    const { type, object } = JSON.parse(line) as { type: string; object: LongWidget };
    return `${type} ${object.metadata.name} ${object.spec?.length}`;
  });
}

describe('versions that somebody else makes of one another', () => {
  it('an object is read, and made once however often it is read', async () => {
    const { request, calls, spec } = await setUp();
    await request({ verb: 'create', body: widget('a', 1) });
    assert.deepEqual(await spec('a', 'v1'), { size: 1 });
    assert.deepEqual(calls, []);
    assert.deepEqual(await spec('a'), { length: 1 });
    assert.deepEqual(await spec('a'), { length: 1 });
    assert.deepEqual(calls, ['test/v2 a']);
  });

  it('an object is made and changed through a version that is not kept', async () => {
    const { request, spec } = await setUp();
    const body = { metadata: { name: 'a' }, spec: { length: 1 } };
    const made = await request({ verb: 'create', ...V2, body });
    assert.deepEqual([made.apiVersion, made.spec], ['test/v2', { length: 1 }]);
    assert.deepEqual(await spec('a', 'v1'), { size: 1 });
    const patch = { verb: 'patch', name: 'a', ...V2 } as const;
    const patchType = 'application/merge-patch+json';
    await request({ ...patch, patchType, body: { spec: { length: 2 } } });
    assert.deepEqual(await spec('a', 'v1'), { size: 2 });
    await request({ verb: 'delete', name: 'a', ...V2 });
    await assert.rejects(spec('a', 'v1'), /not found/);
  });

  it('a list asks for all of its objects together', async () => {
    const { request, calls } = await setUp();
    for (const name of ['a', 'b']) await request({ verb: 'create', body: widget(name, 1) });
    const list = (await request({ verb: 'list', ...V2 })) as unknown as { items: LongWidget[] };
    assert.deepEqual(
      list.items.map(({ spec }) => spec),
      [{ length: 1 }, { length: 1 }],
    );
    assert.deepEqual(calls, ['test/v2 a b']);
  });

  it('a selection is one of what the version shows', async () => {
    const { request } = await setUp();
    for (const [name, labels] of [
      ['a', { x: 'y' }],
      ['b', {}],
    ] as const) {
      await request({ verb: 'create', body: { metadata: { name, labels } } });
    }
    const options = { labelSelector: 'x=y' };
    const list = (await request({ verb: 'list', ...V2, options })) as unknown as {
      items: LongWidget[];
    };
    assert.deepEqual(
      list.items.map(({ metadata }) => metadata.name),
      ['a'],
    );
  });

  it('a watch tells changes in their order, though conversions take their time', async () => {
    const { request, watch, hold } = await setUp();
    await request({ verb: 'create', body: widget('a', 1) });
    const { events } = await watch(V2);
    const release = hold();
    await request({ verb: 'create', body: widget('b', 2) });
    await request({ verb: 'delete', name: 'a' });
    await settled();
    assert.deepEqual(told(events), ['ADDED a 1']);
    release();
    await settled();
    assert.deepEqual(told(events), ['ADDED a 1', 'ADDED b 2', 'DELETED a 1']);
    const last = JSON.parse(events.at(-1) ?? '') as { object: KubeObject };
    assert.equal(last.object.metadata.resourceVersion, '4');
  });

  it('a watch from a revision has what happened since, and nothing twice', async () => {
    const { request, watch } = await setUp();
    const { metadata } = await request({ verb: 'create', body: widget('a', 1) });
    await request({ verb: 'create', body: widget('b', 2) });
    const { resourceVersion = '' } = metadata;
    const { events } = await watch({ ...V2, resourceVersion });
    await request({ verb: 'create', body: widget('c', 3) });
    await settled();
    assert.deepEqual(told(events), ['ADDED b 2', 'ADDED c 3']);
  });

  it('a conversion that fails is the answer, and ends watches', async () => {
    const { request, watch, fail, spec } = await setUp();
    await request({ verb: 'create', body: widget('a', 1) });
    const { events } = await watch(V2);
    const message = 'conversion webhook for test/v1, Kind=Widget failed: boom';
    fail(new ApiError({ message, code: 500 }));
    await request({ verb: 'create', body: widget('b', 2) });
    await settled();
    assert.deepEqual(told(events), ['ADDED a 1', 'end']);
    await assert.rejects(spec('b'), { message });
    await assert.rejects(watch(V2), { message });
    fail(undefined);
    assert.deepEqual(await spec('b'), { length: 2 });
  });
});
