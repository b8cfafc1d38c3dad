import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authorizerPoint, type Decision } from '../../sdk/auth.ts';
import { remoteVersionPoint } from '../../sdk/connect.ts';
import type { KindDefinition, VirtualKind } from '../../sdk/kind-definition.ts';
import type { ObjectRequest, User } from '../../sdk/request.ts';
import type { Schema } from '../../sdk/schema.ts';
import { ApiError, notFound, serviceUnavailable } from '../../sdk/status.ts';
import { type SubresourceHandler, subresourcePoint } from '../../sdk/subresource.ts';
import { ALICE, openDoor, type Widget, widget } from './door-testing.ts';

const reasonOf = (reason: string) => (error: unknown) =>
  error instanceof ApiError && error.reason === reason;

describe('a virtual kind', () => {
  const virtual: VirtualKind<Widget> = {
    create: (object, { user }) => ({ ...object, status: { phase: user.name } }),
    get(name) {
      if (name !== 'a') throw notFound({ group: 'test', resource: 'widgets' }, name);
      return widget('a', 1);
    },
    list: () => [widget('a', 1), widget('b', 2)],
  };
  const open = (methods = virtual) => openDoor({ virtual: methods } as Partial<KindDefinition>);

  it('answers a create with what its plugin says, and stores nothing', async () => {
    const { request, objects } = await open();
    const before = objects.revision;
    const made = await request({ verb: 'create', body: widget('x') });
    assert.equal(made.status?.phase, ALICE.name);
    assert.equal(made.kind, 'Widget');
    assert.equal(objects.revision, before);
  });

  it('answers get and list, with selectors', async () => {
    const { request } = await open();
    assert.equal((await request({ verb: 'get', name: 'a' })).spec?.size, 1);
    const options = { fieldSelector: 'spec.size=2' };
    const list = (await request({ verb: 'list', options })) as unknown as { items: Widget[] };
    assert.deepEqual(
      list.items.map(({ metadata }) => metadata.name),
      ['b'],
    );
    await assert.rejects(request({ verb: 'get', name: 'z' }), reasonOf('NotFound'));
  });

  it('refuses what its plugin does not answer', async () => {
    const { request } = await open({});
    for (const verb of ['get', 'list', 'create', 'update', 'delete'] as const) {
      const asked = request({ verb, name: 'a', body: widget('a') });
      await assert.rejects(asked, reasonOf('MethodNotAllowed'));
    }
  });

  it('is authorized like any other', async () => {
    const { request } = await open();
    const asked = request({ verb: 'list' }, { name: 'mallory', groups: [] });
    await assert.rejects(asked, reasonOf('Forbidden'));
  });
});

describe('a subresource of another plugin', () => {
  const handler: SubresourceHandler = {
    group: 'test',
    resource: 'widgets',
    subresource: 'polish',
    verbs: ['create'],
    body: { group: 'test', version: 'v1', kind: 'Polish', schema: {} as Schema },
    handle: async ({ object, body, user }) => ({
      value: { of: object.metadata.name, with: body?.metadata.name, by: user.name },
    }),
  };

  it('is answered by its handler, with the object', async () => {
    const { request, provide } = await openDoor();
    provide(subresourcePoint, handler);
    await request({ verb: 'create', body: widget('a') });
    const body = { metadata: { name: 'wax' } };
    const answer = await request({ verb: 'create', name: 'a', subresource: 'polish', body });
    assert.deepEqual(answer, { of: 'a', with: 'wax', by: 'alice' });
  });

  it('is refused without the object, with another verb, and for who may not', async () => {
    const { request, provide } = await openDoor();
    provide(subresourcePoint, handler);
    await request({ verb: 'create', body: widget('a') });
    const asked = { name: 'a', subresource: 'polish', body: { metadata: {} } };
    const missing = request({ ...asked, verb: 'create', name: 'b' });
    await assert.rejects(missing, reasonOf('NotFound'));
    await assert.rejects(request({ ...asked, verb: 'update' }), reasonOf('MethodNotAllowed'));
    const mallory = { name: 'mallory', groups: [] };
    await assert.rejects(request({ ...asked, verb: 'create' }, mallory), reasonOf('Forbidden'));
  });
});

describe('review()', () => {
  const attributes = {
    user: { name: 'bob', groups: [] },
    verb: 'get',
    group: '',
    version: 'v1',
    resource: 'pods',
    subresource: '',
    namespace: '',
    name: '',
  };
  const cases: [string, Decision[], { allowed: boolean; denied: boolean; reason: string }][] = [
    ['nobody says anything', [], { allowed: false, denied: false, reason: '' }],
    [
      'one has no opinion, the next allows',
      ['no-opinion', { verdict: 'allow', reason: 'by role' }],
      { allowed: true, denied: false, reason: 'by role' },
    ],
    [
      'a denial before an allowance',
      [{ verdict: 'deny', reason: 'never' }, 'allow'],
      { allowed: false, denied: true, reason: 'never' },
    ],
    [
      'what is no verdict',
      ['yes' as Decision, 'allow'],
      { allowed: false, denied: true, reason: '' },
    ],
  ];
  for (const [title, decisions, wanted] of cases) {
    it(`${title}: ${wanted.allowed ? 'allowed' : 'not allowed'}, as authorize() decides`, async () => {
      const { door, provide } = await openDoor();
      for (const [i, decision] of decisions.entries()) {
        provide(authorizerPoint, { authorize: () => decision }, `authorizer ${i}`);
      }
      assert.deepEqual(await door.review(attributes), wanted);
      const authorized = async () => door.authorize(attributes);
      if (wanted.allowed) await authorized();
      else await assert.rejects(authorized(), reasonOf('Forbidden'));
    });
  }
});

describe('the version of another server', () => {
  const remote = {
    ...{ group: 'test', version: 'v1' },
    connect: async () => {},
    request: async (user: User, { verb, name }: ObjectRequest) => {
      if (verb === 'list') throw serviceUnavailable('far away');
      return { metadata: { name: `${name} of ${user.name}` } };
    },
  };

  it('answers in the place of a kind, with its own refusals', async () => {
    const { request, provide } = await openDoor();
    const withdraw = provide(remoteVersionPoint, remote);
    const { metadata } = await request({ verb: 'get', name: 'a' });
    assert.equal(metadata.name, 'a of alice');
    await assert.rejects(request({ verb: 'list' }), reasonOf('ServiceUnavailable'));
    await withdraw();
    await assert.rejects(request({ verb: 'get', name: 'a' }), reasonOf('NotFound'));
  });

  it('is authorized like any other', async () => {
    const { request, provide } = await openDoor();
    provide(remoteVersionPoint, remote);
    const asked = request({ verb: 'get', name: 'a' }, { name: 'mallory', groups: [] });
    await assert.rejects(asked, reasonOf('Forbidden'));
  });
});
