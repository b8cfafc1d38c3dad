import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Attributes, authorizerPoint } from '../../sdk/auth.ts';
import { type FieldManager, fieldManagerPoint } from '../../sdk/field-manager.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import { ALICE, openDoor, type Widget, widget } from './door-testing.ts';

const APPLY = { verb: 'patch', patchType: 'application/apply-patch+yaml' } as const;
const BOB = { name: 'bob', groups: [] };

/** Lays the configuration over the object, field by field at the top. */
const FIELD_MANAGER: FieldManager = {
  update() {},
  apply(live, config, { manager, clock }) {
    const managedFields = [{ manager, time: new Date(clock.now()).toISOString() }];
    return {
      ...live,
      ...config,
      metadata: { ...live?.metadata, ...config.metadata, managedFields },
    };
  },
};

async function openApplying(kind = {}) {
  const opened = await openDoor(kind);
  opened.provide(fieldManagerPoint, FIELD_MANAGER);
  const apply = (name: string, body: object, options = {}, user = ALICE) =>
    opened.request({ ...APPLY, name, body, options: { fieldManager: 'm', ...options } }, user);
  return { ...opened, apply };
}

test('an apply makes the object, then changes it', async () => {
  const { apply } = await openApplying();
  const made = await apply('a', widget('a', 1));
  const changed = await apply('a', widget('a', 2));
  assert.equal(changed.spec?.size, 2);
  assert.equal(changed.metadata.uid, made.metadata.uid);
});

test('an apply that only moves times makes no revision', async () => {
  const { apply, clock } = await openApplying();
  const one = await apply('a', widget('a', 1));
  clock.step(5_000);
  assert.deepEqual(await apply('a', widget('a', 1)), one);
  const other = await apply('a', widget('a', 2));
  assert.notDeepEqual(other.metadata.managedFields, one.metadata.managedFields);
});

test('who may patch may not make objects by applying them', async () => {
  const { apply, provide } = await openApplying();
  const asked: string[] = [];
  provide(
    authorizerPoint,
    {
      authorize(attributes: Attributes) {
        asked.push(attributes.verb);
        return attributes.verb === 'patch' ? 'allow' : 'no-opinion';
      },
    },
    'other',
  );
  await assert.rejects(apply('a', widget('a', 1), {}, BOB), { code: 403 });
  assert.deepEqual(asked, ['patch', 'create']);
  await apply('a', widget('a', 1));
  assert.equal((await apply('a', widget('a', 2), {}, BOB)).spec?.size, 2);
});

test('nothing can be applied without a field manager', async () => {
  const { request } = await openDoor();
  const options = { fieldManager: 'm' };
  await assert.rejects(request({ ...APPLY, name: 'a', body: widget('a'), options }), { code: 415 });
});

test('a subresource is applied as the part that it is of the object, by its own rules', async () => {
  const { apply, request } = await openApplying({
    subresources: [
      {
        name: 'size',
        verbs: ['patch'],
        appliedAs: (body: KubeObject) => ({ spec: (body as Widget).spec }),
        apply(object: Widget, body: Widget) {
          object.spec = { size: body.spec?.size ?? 0 };
          return undefined;
        },
      },
      { name: 'other', verbs: ['patch'], apply: () => undefined },
    ],
  });
  await apply('a', widget('a', 1));
  const labels = { no: 'no' };
  const body = { ...widget('a', 2), metadata: { name: 'a', labels } };
  const options = { fieldManager: 'm' };
  const sized = await request({ ...APPLY, name: 'a', subresource: 'size', body, options });
  assert.deepEqual([sized.spec, sized.metadata.labels], [{ size: 2 }, undefined]);
  const other = request({ ...APPLY, name: 'a', subresource: 'other', body, options });
  await assert.rejects(other, { code: 415 });
});
