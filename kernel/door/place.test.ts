import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Attributes, authorizerPoint } from '../../sdk/auth.ts';
import { ApiError } from '../../sdk/status.ts';
import { ALICE, openDoor, widget } from './door-testing.ts';

const BOB = { name: 'bob', groups: [] };

/** Bob may do everything in namespace x, and nothing else. */
async function openForBob(kind: NonNullable<Parameters<typeof openDoor>[0]>) {
  const opened = await openDoor(kind);
  opened.provide(
    authorizerPoint,
    {
      authorize(attributes: Attributes) {
        return 'namespace' in attributes && attributes.namespace === 'x' ? 'allow' : 'no-opinion';
      },
    },
    'rights-in-x',
  );
  return opened;
}

const codeOf = (code: number) => (error: unknown) =>
  error instanceof ApiError && error.code === code;

describe('KernelDoor, where objects are', () => {
  const everything = [
    { verb: 'create', body: widget('b') },
    { verb: 'get', name: 'a' },
    { verb: 'list' },
    { verb: 'update', name: 'a', body: widget('a', 2) },
    { verb: 'patch', name: 'a', body: { spec: { size: 2 } } },
    { verb: 'delete', name: 'a' },
    { verb: 'deletecollection' },
  ] as const;

  for (const asked of everything) {
    it(`${asked.verb} by the rights of a namespace reaches nothing that is in none`, async () => {
      const { request, door } = await openForBob({ namespaced: false });
      const at = { group: 'test', version: 'v1', resource: 'widgets' };
      await door.request(ALICE, { ...at, verb: 'create', body: widget('a', 1) });
      await assert.rejects(request(asked, BOB), codeOf(404));
      await door.request(ALICE, { ...at, verb: 'get', name: 'a' });
    });
  }

  it('what is in namespaces is made in the one that the request names', async () => {
    const { door } = await openDoor();
    const at = { group: 'test', version: 'v1', resource: 'widgets' };
    const body = { metadata: { name: 'a', namespace: 'nonesuch' } };
    await assert.rejects(door.request(ALICE, { ...at, verb: 'create', body }), codeOf(405));
    await assert.rejects(door.request(ALICE, { ...at, verb: 'deletecollection' }), codeOf(405));
    await assert.rejects(door.request(ALICE, { ...at, verb: 'get', name: 'a' }), codeOf(404));
  });

  it('a right to a subresource is none to the object, nor to others of its kind', async () => {
    const { request } = await openDoor();
    await request({ verb: 'create', body: widget('a', 1) });
    const subresource = 'status';
    await assert.rejects(request({ verb: 'delete', name: 'a', subresource }), codeOf(405));
    await assert.rejects(request({ verb: 'deletecollection', subresource }), codeOf(404));
    await assert.rejects(request({ verb: 'list', subresource }), codeOf(404));
    assert.equal((await request({ verb: 'get', name: 'a', subresource })).spec?.size, 1);
  });

  it('a namespace is in itself', async () => {
    const kind = { namespaced: false, isNamespace: true };
    const { door } = await openForBob(kind);
    const at = { group: 'test', version: 'v1', resource: 'widgets' };
    for (const name of ['x', 'y'])
      await door.request(ALICE, { ...at, verb: 'create', body: widget(name) });
    await door.request(BOB, { ...at, verb: 'get', name: 'x' });
    await assert.rejects(door.request(BOB, { ...at, verb: 'get', name: 'y' }), codeOf(403));
    const fieldSelector = 'metadata.name=x';
    const selecting = { ...at, verb: 'list' as const, options: { fieldSelector } };
    await assert.rejects(door.request(BOB, selecting), codeOf(403));
  });
});
