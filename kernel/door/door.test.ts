import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AdmissionPlugin, admissionPoint } from '../../sdk/admission.ts';
import { ApiError, badRequest } from '../../sdk/status.ts';
import { openDoor, type Widget, widget } from './door-testing.ts';

const reasonOf = (reason: string) => (error: unknown) =>
  error instanceof ApiError && error.reason === reason;

describe('KernelDoor, writes', () => {
  it('create sets what only the server may set and answers with the stored object', async () => {
    const { request } = await openDoor();
    const made = await request({
      verb: 'create',
      body: { ...widget('a', 1), status: { phase: 'forged' } },
    });
    assert.equal(made.metadata.generation, 1);
    assert.match(made.metadata.uid ?? '', /^uid-/);
    assert.equal(made.metadata.creationTimestamp, '2026-01-01T00:00:00Z');
    assert.equal(made.status, undefined);
    assert.deepEqual(await request({ verb: 'get', name: 'a' }), made);
  });

  it('create of a name that is taken is AlreadyExists', async () => {
    const { request } = await openDoor();
    await request({ verb: 'create', body: widget('a') });
    await assert.rejects(request({ verb: 'create', body: widget('a') }), reasonOf('AlreadyExists'));
  });

  it('create draws another name while the drawn one is taken', async () => {
    const { request } = await openDoor();
    const body = { metadata: { generateName: 'w-' } };
    const first = await request({ verb: 'create', body });
    const second = await request({ verb: 'create', body });
    assert.match(first.metadata.name ?? '', /^w-[a-z0-9]{5}$/);
    assert.notEqual(first.metadata.name, second.metadata.name);
  });

  const refusals = [
    { title: 'a name that is none', body: widget('Bad_Name'), reason: 'Invalid' },
    { title: 'no name', body: { metadata: {} }, reason: 'Invalid' },
    {
      title: 'another namespace',
      body: { metadata: { name: 'a', namespace: 'y' } },
      reason: 'BadRequest',
    },
    {
      title: 'a resourceVersion',
      body: { metadata: { name: 'a', resourceVersion: '7' } },
      reason: 'BadRequest',
    },
    {
      title: 'another kind',
      body: { kind: 'Gadget', metadata: { name: 'a' } },
      reason: 'BadRequest',
    },
    {
      title: 'a bad label',
      body: { metadata: { name: 'a', labels: { '-': 'x' } } },
      reason: 'Invalid',
    },
  ];
  for (const { title, body, reason } of refusals) {
    it(`create refuses ${title} as ${reason} and stores nothing`, async () => {
      const { request, objects } = await openDoor();
      const before = objects.revision;
      await assert.rejects(request({ verb: 'create', body }), reasonOf(reason));
      assert.equal(objects.revision, before);
    });
  }

  it('unknown fields are refused, warned of or dropped, as fieldValidation says', async () => {
    const { door, request } = await openDoor();
    const body = { ...widget('a'), nope: 1 };
    const at = {
      verb: 'create' as const,
      group: 'test',
      version: 'v1',
      resource: 'widgets',
      namespace: 'x',
    };
    const strict = { ...at, body, options: { fieldValidation: 'Strict' as const } };
    await assert.rejects(request(strict), /strict decoding error: unknown field "nope"/);
    const warned = await door.request({ name: 'alice', groups: [] }, { ...at, body });
    assert.ok(warned.type === 'object');
    assert.deepEqual(warned.warnings, ['unknown field "nope"']);
  });

  it('a dry run answers as the real thing would, and stores nothing', async () => {
    const { request, objects } = await openDoor();
    const options = { dryRun: true };
    const made = await request({ verb: 'create', body: widget('a', 1), options });
    assert.equal(made.spec?.size, 1);
    await assert.rejects(request({ verb: 'get', name: 'a' }), reasonOf('NotFound'));
    await request({ verb: 'create', body: widget('a', 1) });
    const revision = objects.revision;
    const changed = await request({ verb: 'update', name: 'a', body: widget('a', 2), options });
    assert.equal(changed.spec?.size, 2);
    await request({ verb: 'delete', name: 'a', options });
    assert.equal(objects.revision, revision);
  });

  it('update keeps the status and raises the generation when the spec changes', async () => {
    const { request } = await openDoor();
    await request({ verb: 'create', body: widget('a', 1) });
    const status = { ...widget('a'), status: { phase: 'Up' } };
    await request({ verb: 'update', name: 'a', subresource: 'status', body: status });
    const changed = await request({
      verb: 'update',
      name: 'a',
      body: { ...widget('a', 2), status: { phase: 'forged' } },
    });
    assert.deepEqual([changed.metadata.generation, changed.status], [2, { phase: 'Up' }]);
  });

  it('update of the status leaves everything else alone', async () => {
    const { request } = await openDoor();
    const made = await request({ verb: 'create', body: widget('a', 1) });
    const body = {
      metadata: { name: 'a', labels: { forged: 'x' } },
      spec: { size: 9 },
      status: { phase: 'Up' },
    };
    const changed = await request({ verb: 'update', name: 'a', subresource: 'status', body });
    const { resourceVersion: _, ...metadata } = changed.metadata;
    const { resourceVersion: __, ...before } = made.metadata;
    assert.deepEqual(
      { ...changed, metadata },
      { ...made, metadata: before, status: { phase: 'Up' } },
    );
  });

  it('a write that changes nothing makes no revision, whatever the order of members', async () => {
    const { request, objects } = await openDoor();
    const spec = { size: 1, color: 'red' };
    await request({ verb: 'create', body: { ...widget('a'), spec } });
    const revision = objects.revision;
    const other = { spec: { color: 'red', size: 1 }, ...widget('a') };
    const same = await request({
      verb: 'update',
      name: 'a',
      body: { ...other, spec: { color: 'red', size: 1 } },
    });
    assert.deepEqual([objects.revision, same.metadata.generation], [revision, 1]);
  });

  it('update at an old revision is a Conflict; without one it wins', async () => {
    const { request } = await openDoor();
    const made = await request({ verb: 'create', body: widget('a', 1) });
    await request({ verb: 'update', name: 'a', body: widget('a', 2) });
    const stale = { ...made, spec: { size: 3 } };
    await assert.rejects(request({ verb: 'update', name: 'a', body: stale }), reasonOf('Conflict'));
    const won = await request({ verb: 'update', name: 'a', body: widget('a', 4) });
    assert.equal(won.spec?.size, 4);
  });

  it('patches that race all take effect', async () => {
    const { request } = await openDoor();
    await request({ verb: 'create', body: widget('a', 1) });
    const labels = ['p', 'q', 'r'];
    await Promise.all(
      labels.map(label =>
        request({ verb: 'patch', name: 'a', body: { metadata: { labels: { [label]: 'x' } } } }),
      ),
    );
    const { metadata } = await request({ verb: 'get', name: 'a' });
    assert.deepEqual(Object.keys(metadata.labels ?? {}).sort(), labels);
  });

  it('a patch cannot touch what is not its own: uid, creation, generation', async () => {
    const { request } = await openDoor();
    const made = await request({ verb: 'create', body: widget('a', 1) });
    const body = { metadata: { creationTimestamp: null, generation: 99 } };
    const { metadata } = await request({ verb: 'patch', name: 'a', body });
    assert.deepEqual(metadata, made.metadata);
    const other = { metadata: { uid: 'another' } };
    await assert.rejects(request({ verb: 'patch', name: 'a', body: other }), reasonOf('Conflict'));
  });
});

describe('KernelDoor, deletion', () => {
  it('delete removes at once and answers with a Success that names the object', async () => {
    const { request } = await openDoor();
    const made = await request({ verb: 'create', body: widget('a') });
    const answer = (await request({ verb: 'delete', name: 'a' })) as unknown as Record<
      string,
      unknown
    >;
    assert.equal(answer.status, 'Success');
    assert.deepEqual(answer.details, {
      name: 'a',
      group: 'test',
      kind: 'widgets',
      uid: made.metadata.uid,
    });
    await assert.rejects(request({ verb: 'get', name: 'a' }), reasonOf('NotFound'));
  });

  it('finalizers keep an object until the last is taken off', async () => {
    const { request } = await openDoor();
    const body = { metadata: { name: 'a', finalizers: ['test/hold'] } };
    await request({ verb: 'create', body });
    const held = await request({ verb: 'delete', name: 'a' });
    assert.equal(held.metadata.deletionTimestamp, '2026-01-01T00:00:00Z');
    await request({ verb: 'patch', name: 'a', body: { metadata: { finalizers: null } } });
    await assert.rejects(request({ verb: 'get', name: 'a' }), reasonOf('NotFound'));
  });

  it('grace keeps an object until it is deleted with none', async () => {
    const { request } = await openDoor({
      strategy: { gracePeriodSeconds: (_, asked) => asked ?? 30, returnsDeleted: true },
    });
    await request({ verb: 'create', body: widget('a') });
    const held = await request({ verb: 'delete', name: 'a' });
    assert.equal(held.metadata.deletionGracePeriodSeconds, 30);
    assert.equal(held.metadata.deletionTimestamp, '2026-01-01T00:00:30Z');
    const again = await request({ verb: 'delete', name: 'a' });
    assert.equal(again.metadata.resourceVersion, held.metadata.resourceVersion);
    await request({ verb: 'delete', name: 'a', body: { gracePeriodSeconds: 0 } });
    await assert.rejects(request({ verb: 'get', name: 'a' }), reasonOf('NotFound'));
  });

  for (const [policy, finalizer] of [
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const) {
    it(`propagationPolicy ${policy} leaves the object to the garbage collector`, async () => {
      const { request } = await openDoor();
      await request({ verb: 'create', body: widget('a') });
      const held = await request({
        verb: 'delete',
        name: 'a',
        body: { propagationPolicy: policy },
      });
      assert.deepEqual(held.metadata.finalizers, [finalizer]);
    });
  }

  it('preconditions that do not hold are a Conflict', async () => {
    const { request } = await openDoor();
    await request({ verb: 'create', body: widget('a') });
    const body = { preconditions: { uid: 'another' } };
    await assert.rejects(request({ verb: 'delete', name: 'a', body }), reasonOf('Conflict'));
  });

  it('deletecollection removes what the selector asks for, in its namespace', async () => {
    const { request } = await openDoor();
    for (const [name, namespace, on] of [
      ['a', 'x', 'y'],
      ['b', 'x', 'n'],
      ['a', 'z', 'y'],
    ] as const) {
      const body = { metadata: { name, labels: { on } } };
      await request({ verb: 'create', namespace, body });
    }
    await request({ verb: 'deletecollection', options: { labelSelector: 'on=y' } });
    const left = (await request({ verb: 'list', namespace: '' })) as unknown as { items: Widget[] };
    assert.deepEqual(
      left.items.map(({ metadata: m }) => `${m.namespace}/${m.name}`),
      ['x/b', 'z/a'],
    );
  });
});

describe('KernelDoor, reading', () => {
  async function withNine() {
    const opened = await openDoor();
    for (let i = 1; i < 10; i++) await opened.request({ verb: 'create', body: widget(`w${i}`, i) });
    const list = async (options = {}) =>
      (await opened.request({ verb: 'list', options })) as unknown as {
        items: Widget[];
        metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
      };
    return { ...opened, list };
  }
  const names = (items: readonly Widget[]) => items.map(({ metadata }) => metadata.name);

  it('pages of a list all show the revision of the first', async () => {
    const { list, request } = await withNine();
    const first = await list({ limit: 4 });
    assert.deepEqual(names(first.items), ['w1', 'w2', 'w3', 'w4']);
    assert.equal(first.metadata.remainingItemCount, 5);
    await request({ verb: 'delete', name: 'w5' });
    await request({ verb: 'create', body: widget('w55') });
    await request({ verb: 'update', name: 'w6', body: widget('w6', 60) });
    const rest = await list({ continue: first.metadata.continue });
    assert.deepEqual(names(rest.items), ['w5', 'w6', 'w7', 'w8', 'w9']);
    assert.equal(rest.items[1]?.spec?.size, 6);
    assert.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  });

  it('selectors choose by labels and by the fields that the kind names', async () => {
    const { list } = await withNine();
    assert.deepEqual(names((await list({ fieldSelector: 'spec.size=3' })).items), ['w3']);
    assert.deepEqual(names((await list({ fieldSelector: 'metadata.name!=w1', limit: 1 })).items), [
      'w2',
    ]);
    await assert.rejects(
      list({ fieldSelector: 'spec.nope=1' }),
      /field label not supported: spec.nope/,
    );
  });

  it('a revision that is still to come is waited for, one that is nonsense is refused', async () => {
    const { list, request, objects } = await withNine();
    const future = list({ resourceVersion: String(objects.revision + 1) });
    await request({ verb: 'create', body: widget('new') });
    assert.equal((await future).items.length, 10);
    await assert.rejects(list({ resourceVersion: 'abc' }), (error: ApiError) => error.code === 500);
    await assert.rejects(list({ continue: 'zzz' }), reasonOf('BadRequest'));
  });
});

describe('KernelDoor, watches', () => {
  const seen = (events: readonly string[]) =>
    events.map(line => {
      const { type, object } = JSON.parse(line) as { type: string; object: Widget };
      return `${type} ${object.metadata.name}`;
    });

  it('begins with what exists, or after a revision', async () => {
    const { request, watch } = await openDoor();
    const made = await request({ verb: 'create', body: widget('a') });
    await request({ verb: 'create', body: widget('b') });
    const all = await watch();
    const since = await watch({ resourceVersion: made.metadata.resourceVersion ?? '' });
    await request({ verb: 'delete', name: 'a' });
    assert.deepEqual(seen(all.events), ['ADDED a', 'ADDED b', 'DELETED a']);
    assert.deepEqual(seen(since.events), ['ADDED b', 'DELETED a']);
  });

  it('refuses a revision that is forgotten as Expired', async () => {
    const { request, backend } = await openDoor();
    const made = await request({ verb: 'create', body: widget('a') });
    await request({ verb: 'delete', name: 'a' });
    const { watch } = await openDoor({}, backend);
    const resourceVersion = made.metadata.resourceVersion ?? '';
    await assert.rejects(watch({ resourceVersion }), reasonOf('Expired'));
  });

  it('ends nothing and brings nothing after close()', async () => {
    const { request, watch } = await openDoor();
    const { events, close } = await watch();
    close();
    await request({ verb: 'create', body: widget('a') });
    assert.deepEqual(events, []);
  });
});

describe('KernelDoor, who may what', () => {
  it('refuses who is not allowed, before it looks at anything else', async () => {
    const { request } = await openDoor();
    const mallory = { name: 'mallory', groups: [] };
    await assert.rejects(
      request({ verb: 'get', name: 'none' }, mallory),
      /widgets.test "none" is forbidden/,
    );
    await assert.rejects(request({ verb: 'create', body: {} }, mallory), reasonOf('Forbidden'));
  });

  it('admission may change what comes in, refuse it, and is told when nothing came of it', async () => {
    const { provide, request } = await openDoor();
    const abandoned: string[] = [];
    provide(admissionPoint, {
      rules: [{ operations: ['CREATE'], groups: ['*'], resources: ['*'] }],
      mutate(admission) {
        const object = admission.object as Widget;
        object.spec = { size: 7 };
        return undefined;
      },
      validate({ object }) {
        if (object?.metadata.name === 'refused') throw badRequest('no');
      },
      abandon: ({ name }) => void abandoned.push(name),
    });
    const made = await request({ verb: 'create', body: widget('a') });
    assert.equal(made.spec?.size, 7);
    await assert.rejects(request({ verb: 'create', body: widget('refused') }), /no/);
    await assert.rejects(request({ verb: 'create', body: widget('a') }), reasonOf('AlreadyExists'));
    assert.deepEqual(abandoned, ['refused', 'a']);
  });

  it('admission elsewhere changes no more of an object than a client may', async () => {
    const { provide, request } = await openDoor();
    const { metadata } = await request({ verb: 'create', body: widget('a', 1) });
    let forged: object = { uid: 'forged', creationTimestamp: '2000-01-01T00:00:00Z' };
    const plugin = {
      rules: [{ operations: ['UPDATE'], groups: ['*'], resources: ['*', '*/*'] }],
      mutate: ({ object }) => {
        const sent = structuredClone(object as Widget);
        sent.spec = { size: 7 };
        sent.status = { phase: 'forged' };
        return { ...sent, metadata: { ...sent.metadata, ...forged, generation: 99 } };
      },
    } satisfies AdmissionPlugin;
    provide(admissionPoint, plugin);
    const updated = await request({ verb: 'update', name: 'a', body: widget('a', 2) });
    assert.equal(updated.metadata.uid, metadata.uid);
    assert.equal(updated.metadata.creationTimestamp, metadata.creationTimestamp);
    assert.equal(updated.metadata.generation, 2);
    assert.deepEqual([updated.spec, updated.status], [{ size: 7 }, undefined]);
    const body = { ...widget('a', 3), status: { phase: 'Ready' } };
    const told = await request({ verb: 'update', name: 'a', subresource: 'status', body });
    assert.deepEqual([told.spec, told.status], [{ size: 7 }, { phase: 'forged' }]);
    forged = { name: 'b' };
    await assert.rejects(
      request({ verb: 'update', name: 'a', body: widget('a', 4) }),
      /metadata.name: Invalid value: "b": field is immutable/,
    );
  });

  it('an admission plugin that breaks refuses with InternalError', async () => {
    const { provide, request } = await openDoor();
    provide(admissionPoint, {
      rules: [{ operations: ['CREATE'], groups: ['*'], resources: ['*'] }],
      mutate() {
        throw new TypeError('broken');
      },
    });
    await assert.rejects(request({ verb: 'create', body: widget('a') }), reasonOf('InternalError'));
  });

  it('an admission plugin elsewhere may send anything, and die while it is told of the end', async () => {
    const { provide, request } = await openDoor();
    const answers: unknown[] = ['text', { metadata: { namespace: 'other' } }];
    let abandoned = 0;
    provide(admissionPoint, {
      rules: [{ operations: ['CREATE'], groups: ['*'], resources: ['*'] }],
      mutate: async () => answers.shift() as Widget,
      abandon: async () => {
        abandoned++;
        throw new Error('its thread is gone');
      },
    } as AdmissionPlugin);
    const create = () => request({ verb: 'create', body: widget('a') });
    await assert.rejects(create(), reasonOf('Invalid'));
    await assert.rejects(create(), reasonOf('BadRequest'));
    await create();
    await assert.rejects(create(), reasonOf('AlreadyExists'));
    assert.equal(abandoned, 3);
  });
});
