import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admissionPoint } from '../../sdk/admission.ts';
import type { KindStrategy } from '../../sdk/kind-definition.ts';
import { ApiError, badRequest, notFound } from '../../sdk/status.ts';
import { ALICE, openDoor, type Widget, widget } from './door-testing.ts';

const GRACEFUL: KindStrategy = {
  generation: true,
  returnsDeleted: true,
  gracePeriodSeconds: (_, asked) => asked ?? 30,
};

async function doorWith(strategy: KindStrategy = {}, metadata: Widget['metadata'] = {}) {
  const opened = await openDoor({ strategy });
  await opened.request({ verb: 'create', body: { metadata: { name: 'a', ...metadata } } });
  const remove = (body?: unknown) => opened.request({ verb: 'delete', name: 'a', body });
  const get = () => opened.request({ verb: 'get', name: 'a' });
  const patch = (body: unknown) => opened.request({ verb: 'patch', name: 'a', body });
  return { ...opened, remove, get, patch };
}

async function refusal(promise: Promise<unknown>): Promise<ApiError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

describe('DeleteOptions', () => {
  const refused = [
    {
      title: 'a policy that is none',
      body: { propagationPolicy: 'Sometimes' },
      message:
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: ' +
        '"Sometimes": supported values: "Foreground", "Background", "Orphan", "nil"',
      code: 422,
    },
    {
      title: 'the old and the new policy together',
      body: { propagationPolicy: 'Orphan', orphanDependents: true },
      message:
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": ' +
        'orphanDependents and deletionPropagation cannot be both set',
      code: 422,
    },
    {
      title: 'a dry run of another kind',
      body: { dryRun: ['Some'] },
      message:
        'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{"Some"}: ' +
        'supported values: "All"',
      code: 422,
    },
    {
      title: 'another kind',
      body: { kind: 'Pod', apiVersion: 'v1' },
      message: 'no kind "Pod" is registered for version "v1" in this scheme',
      code: 400,
    },
    {
      title: 'the options of another group',
      body: { kind: 'DeleteOptions', apiVersion: 'other/v1' },
      message: 'no kind "DeleteOptions" is registered for version "other/v1" in this scheme',
      code: 400,
    },
    {
      title: 'a grace period that is no number',
      body: { gracePeriodSeconds: 'soon' },
      message:
        'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot ' +
        'unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64',
      code: 400,
    },
    { title: 'a body that is no object', body: ['a'], message: /array into Go struct/, code: 400 },
    {
      title: 'preconditions that are none',
      body: { preconditions: { uid: 7 } },
      message: /DeleteOptions\.preconditions of type v1\.Preconditions/,
      code: 400,
    },
  ];
  for (const { title, body, message, code } of refused) {
    for (const verb of ['delete', 'deletecollection'] as const) {
      it(`${verb} refuses ${title}, and deletes nothing`, async () => {
        const { request, get } = await doorWith();
        const target = verb === 'delete' ? { name: 'a' } : {};
        const error = await refusal(request({ verb, body, ...target }));
        if (typeof message === 'string') assert.equal(error.message, message);
        else assert.match(error.message, message);
        assert.equal(error.code, code);
        await get();
      });
    }
  }

  const taken = [
    { kind: 'DeleteOptions', apiVersion: 'v1' },
    { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
    { kind: 'DeleteOptions', apiVersion: 'test/v1' },
    { nobodyKnowsThis: true },
    { gracePeriodSeconds: null, preconditions: null },
    { ignoreStoreReadErrorWithClusterBreakingPotential: false },
    { gracePeriodSeconds: -1 },
  ];
  for (const body of taken) {
    it(`takes ${JSON.stringify(body)}`, async () => {
      const { remove, get } = await doorWith();
      await remove(body);
      assert.equal((await refusal(get())).reason, 'NotFound');
    });
  }

  it('dryRun in the body deletes nothing', async () => {
    const { remove, get, request } = await doorWith();
    assert.equal((await remove({ dryRun: ['All'] })).status as unknown, 'Success');
    await request({ verb: 'deletecollection', body: { dryRun: ['All'] } });
    await get();
  });
});

describe('a delete', () => {
  it('may shorten the grace period, counted from its beginning, and not lengthen it', async () => {
    const { remove, clock } = await doorWith(GRACEFUL);
    const first = await remove();
    assert.equal(first.metadata.deletionTimestamp, '2026-01-01T00:00:30Z');
    assert.equal(first.metadata.generation, 2);
    clock.step(5_000);
    for (const body of [undefined, { gracePeriodSeconds: 60 }, { gracePeriodSeconds: 30 }]) {
      assert.deepEqual(await remove(body), first);
    }
    const { metadata } = await remove({ gracePeriodSeconds: 10 });
    assert.equal(metadata.deletionTimestamp, '2026-01-01T00:00:10Z');
    assert.equal(metadata.deletionGracePeriodSeconds, 10);
    assert.equal(metadata.generation, 2);
  });

  it('with a negative grace period gives a second', async () => {
    const { remove } = await doorWith(GRACEFUL);
    assert.equal((await remove({ gracePeriodSeconds: -5 })).metadata.deletionGracePeriodSeconds, 1);
  });

  it('with none answers with the last state of a kind that gives it back', async () => {
    const { remove, get } = await doorWith(GRACEFUL);
    const { metadata } = await remove({ gracePeriodSeconds: 0 });
    assert.deepEqual([metadata.name, metadata.deletionGracePeriodSeconds], ['a', 0]);
    assert.equal((await refusal(get())).reason, 'NotFound');
  });

  it('in its grace period asks no admission plugin and takes no other policy', async () => {
    const { remove, provide } = await doorWith(GRACEFUL);
    const first = await remove();
    provide(admissionPoint, {
      rules: [{ operations: ['DELETE'], groups: ['*'], resources: ['*'] }],
      validate: () => assert.fail('was asked'),
    });
    assert.deepEqual(await remove({ propagationPolicy: 'Foreground' }), first);
  });

  it('again, of what finalizers hold, changes the policy alone', async () => {
    const { remove, clock } = await doorWith({ generation: true }, { finalizers: ['test/x'] });
    const first = await remove();
    assert.deepEqual(
      [first.metadata.deletionGracePeriodSeconds, first.metadata.generation],
      [0, 2],
    );
    clock.step(5_000);
    assert.deepEqual(await remove(), first);
    const { metadata } = await remove({ orphanDependents: true });
    assert.deepEqual(metadata.finalizers, ['test/x', 'orphan']);
    assert.equal(metadata.deletionTimestamp, first.metadata.deletionTimestamp);
    assert.equal(metadata.generation, 2);
  });

  it('ends the grace period of what finalizers hold', async () => {
    const { remove, get } = await doorWith(GRACEFUL, { finalizers: ['test/x'] });
    await remove();
    const { metadata } = await remove({ gracePeriodSeconds: 0 });
    assert.equal(metadata.deletionTimestamp, '2026-01-01T00:00:00Z');
    assert.equal((await get()).metadata.deletionGracePeriodSeconds, 0);
  });

  it('in the old way tells by 202 that the object is still there', async () => {
    const { door } = await doorWith({}, { finalizers: ['test/x'] });
    const at = { group: 'test', version: 'v1', resource: 'widgets', namespace: 'x', name: 'a' };
    const user = { name: 'alice', groups: [] };
    const body = { orphanDependents: false };
    const answer = await door.request(user, { verb: 'delete', ...at, body });
    assert.equal(answer.type === 'object' && answer.code, 202);
  });

  const policies = [
    { options: {}, before: [], after: [] },
    { options: {}, before: ['foregroundDeletion'], after: ['foregroundDeletion'] },
    { options: {}, before: [], after: ['orphan'], defaultOrphan: true },
    { options: { orphanDependents: true }, before: [], after: ['orphan'] },
    { options: { orphanDependents: false }, before: ['orphan'], after: [] },
    { options: { propagationPolicy: 'Background' }, before: ['orphan', 'x/y'], after: ['x/y'] },
    { options: { propagationPolicy: 'Background' }, before: [], after: [], defaultOrphan: true },
    {
      options: { propagationPolicy: 'Orphan' },
      before: ['orphan', 'x/y'],
      after: ['orphan', 'x/y'],
    },
    {
      options: { propagationPolicy: 'Foreground' },
      before: ['orphan', 'x/y'],
      after: ['x/y', 'foregroundDeletion'],
    },
  ];
  for (const { options, before, after, defaultOrphan = false } of policies) {
    const what = `${JSON.stringify(options)} on [${before}]${defaultOrphan ? ', orphaning' : ''}`;
    it(`with ${what} leaves [${after}]`, async () => {
      const { remove, get } = await doorWith({ defaultOrphan }, { finalizers: before });
      const answer = await remove(options);
      if (after.length > 0) assert.deepEqual(answer.metadata.finalizers, after);
      else assert.equal((await refusal(get())).reason, 'NotFound');
    });
  }

  it('whose preconditions do not hold is a Conflict in the words of upstream', async () => {
    const { remove, get } = await doorWith();
    const { uid, resourceVersion } = (await get()).metadata;
    const about = 'Operation cannot be fulfilled on Widget.test "a": ';
    assert.equal(
      (await refusal(remove({ preconditions: { uid: 'other' } }))).message,
      `${about}the UID in the precondition (other) does not match the UID in record (${uid}). ` +
        'The object might have been deleted and then recreated',
    );
    const error = await refusal(remove({ preconditions: { uid, resourceVersion: '1' } }));
    assert.equal(
      error.message,
      `${about}the ResourceVersion in the precondition (1) does not match the ResourceVersion in ` +
        `record (${resourceVersion}). The object might have been modified`,
    );
    assert.deepEqual([error.code, error.reason], [409, 'Conflict']);
    await remove({ preconditions: { uid, resourceVersion } });
  });
});

describe('what is held by more than finalizers', () => {
  const HELD: KindStrategy = { heldBy: object => object.metadata.labels?.held === 'yes' };

  it('has no grace period, and stays until it is let go', async () => {
    const { remove, patch, get } = await doorWith(HELD, { labels: { held: 'yes' } });
    const first = await remove();
    assert.equal(first.metadata.deletionGracePeriodSeconds, undefined);
    assert.deepEqual(await remove({ propagationPolicy: 'Orphan' }), first);
    await patch({ metadata: { labels: { held: 'no' } } });
    assert.equal((await refusal(get())).reason, 'NotFound');
  });

  it('tells preconditions in words of its own', async () => {
    const { remove, get } = await doorWith(HELD);
    const { uid } = (await get()).metadata;
    assert.equal(
      (await refusal(remove({ preconditions: { uid: 'other' } }))).message,
      'Operation cannot be fulfilled on widgets.test "a": Precondition failed: ' +
        `UID in precondition: other, UID in object meta: ${uid}`,
    );
  });
});

describe('an update of what is being deleted', () => {
  it('that takes the last finalizer off ends it, and is answered with what it wrote', async () => {
    const { remove, patch, get } = await doorWith({}, { finalizers: ['x/y', 'x/z'] });
    await remove();
    assert.deepEqual((await patch({ metadata: { finalizers: ['x/z'] } })).metadata.finalizers, [
      'x/z',
    ]);
    const last = await patch({ metadata: { finalizers: null } });
    assert.equal(last.metadata.finalizers, undefined);
    assert.equal((await refusal(get())).reason, 'NotFound');
  });

  it('does not end it in its grace period', async () => {
    const { remove, patch, get } = await doorWith(GRACEFUL, { finalizers: ['x/y'] });
    await remove();
    await patch({ metadata: { finalizers: null } });
    assert.equal((await get()).metadata.deletionGracePeriodSeconds, 30);
  });

  it('may not add a finalizer', async () => {
    const { remove, patch } = await doorWith({}, { finalizers: ['x/y'] });
    await remove();
    const error = await refusal(patch({ metadata: { finalizers: ['x/y', 'x/b', 'x/a'] } }));
    assert.equal(
      error.message,
      'Widget.test "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added ' +
        'if the object is being deleted, found new finalizers []string{"x/a", "x/b"}',
    );
    assert.equal(error.status.details?.causes?.[0]?.reason, 'FieldValueForbidden');
    assert.equal(error.code, 422);
  });

  it('cannot take the deletion back', async () => {
    const { remove, patch, get } = await doorWith(GRACEFUL, { finalizers: ['x/y'] });
    const { metadata } = await remove();
    await patch({ metadata: { deletionTimestamp: null, deletionGracePeriodSeconds: null } });
    await patch({ metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } });
    assert.deepEqual((await get()).metadata, metadata);
    const error = await refusal(patch({ metadata: { deletionGracePeriodSeconds: 5 } }));
    assert.match(
      error.message,
      /deletionGracePeriodSeconds: Invalid value: 5: field is immutable$/,
    );
  });

  it('is the only one that may have a deletionTimestamp', async () => {
    const { patch } = await doorWith();
    const error = await refusal(patch({ metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } }));
    assert.match(
      error.message,
      /deletionTimestamp: Invalid value: 2030-01-01 00:00:00 \+0000 UTC: field is immutable$/,
    );
  });
});

describe('the audit log', () => {
  for (const verb of ['delete', 'deletecollection'] as const) {
    for (const dryRun of [[], ['All']]) {
      it(`hears what admission notes of a ${verb}, dry run: ${dryRun}`, async () => {
        const { door, provide, request } = await openDoor();
        await request({ verb: 'create', body: widget('a') });
        provide(admissionPoint, {
          rules: [{ operations: ['DELETE'], groups: ['*'], resources: ['*'] }],
          validate({ auditAnnotations, name }) {
            auditAnnotations['test/seen'] = name;
          },
        });
        const annotations: Record<string, string> = {};
        const at = { group: 'test', version: 'v1', resource: 'widgets', namespace: 'x' };
        const name = verb === 'delete' ? { name: 'a' } : {};
        await door.request(ALICE, { ...at, ...name, verb, body: { dryRun } }, annotations);
        assert.equal(annotations['test/seen'], 'a');
      });
    }
  }
});

describe('deletecollection', () => {
  async function doorWithMany(count: number) {
    const opened = await openDoor();
    const bodies = Array.from({ length: count }, (_, i) => widget(`w${i}`, i % 2));
    await Promise.all(bodies.map(body => opened.request({ verb: 'create', body })));
    const list = async () => {
      const { items } = (await opened.request({ verb: 'list' })) as unknown as List;
      return items.map(({ metadata }) => metadata.name ?? '');
    };
    return { ...opened, list };
  }

  it('answers with the list that it deleted', async () => {
    const { request, list } = await doorWithMany(300);
    const options = { fieldSelector: 'spec.size=1' };
    const answer = (await request({ verb: 'deletecollection', options })) as unknown as List;
    assert.equal(answer.items.length, 150);
    assert.equal((await list()).length, 150);
  });

  it('deletes one page where there is a limit, and tells how to go on', async () => {
    const { request, list } = await doorWithMany(5);
    const page = async (token: string) => {
      const options = { limit: 2, ...(token && { continue: token }) };
      return (await request({ verb: 'deletecollection', options })) as unknown as List;
    };
    const first = await page('');
    assert.equal((await list()).length, 3);
    assert.equal((await page(first.metadata.continue ?? '')).items.length, 2);
    assert.deepEqual(await list(), ['w4']);
  });

  it('asks admission about each, and stops at the first refusal', async () => {
    const { request, provide, list } = await doorWithMany(200);
    const asked: string[] = [];
    provide(admissionPoint, {
      rules: [{ operations: ['DELETE'], groups: ['*'], resources: ['*'] }],
      async validate({ name }) {
        asked.push(name);
        if (name === 'w0') throw badRequest('not this one');
      },
    });
    await assert.rejects(request({ verb: 'deletecollection' }), /not this one/);
    assert.ok((await list()).includes('w0'));
    assert.ok(asked.length < 200, `${asked.length} were asked about`);
  });

  it('does not mind what has gone meanwhile', async () => {
    const { request, provide, list } = await doorWithMany(3);
    provide(admissionPoint, {
      rules: [{ operations: ['DELETE'], groups: ['*'], resources: ['*'] }],
      validate: ({ name }) => {
        if (name === 'w1') throw notFound({ group: 'test', resource: 'widgets' }, name);
      },
    });
    await request({ verb: 'deletecollection' });
    assert.deepEqual(await list(), ['w1']);
  });
});

interface List {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly Widget[];
}
