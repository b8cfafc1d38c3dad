import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReplicaSet } from './api/types-apps-v1.ts';
import { Pod } from './api/types-core-v1.ts';
import type { OwnerReference } from './api/types-meta-v1.ts';
import { type ClaimOptions, claim } from './claim.ts';
import { controllerReference } from './ownership.ts';
import { selectorFromSet } from './selector.ts';
import { ApiError } from './status.ts';
import { pod, replicaSet } from './testing/builders.ts';
import { TestKernel } from './testing/test-kernel.ts';

const LABELS = { app: 'web' };
const FINALIZER = 'example.com/held';
const KEY = 'default/a';
const OWNER = replicaSet('web', {}, { uid: 'mine' });
const DELETED = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['example.com/other'] };
const MINE = controllerReference(ReplicaSet, OWNER);
const OTHER: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'b', uid: 'other' };

function setUp(owner: ReplicaSet | undefined, metadata: Pod['metadata'] = { labels: LABELS }) {
  const kernel = new TestKernel();
  if (owner) kernel.add(ReplicaSet, owner);
  const [object] = kernel.add(Pod, pod('a', { metadata }));
  assert.ok(object);
  const isOwned = metadata.ownerReferences?.some(({ controller }) => controller) ?? false;
  const run = (options: Partial<ClaimOptions<ReplicaSet, Pod>> = {}) =>
    claim({
      objects: kernel.objects,
      ownerKind: ReplicaSet,
      owner: OWNER,
      selector: selectorFromSet(LABELS),
      kind: Pod,
      owned: isOwned ? [object] : [],
      orphans: isOwned ? [] : [object],
      ...options,
    });
  const writes = () => kernel.requests.filter(({ verb }) => verb !== 'get').length;
  const stored = () => kernel.get(Pod, KEY)?.metadata;
  return { kernel, run, writes, stored };
}

const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);
const isConflict = (error: unknown) => ApiError.is(error, 'Conflict');

describe('claim()', () => {
  it('keeps what the owner controls and selects, and asks nobody', async () => {
    const { kernel, run } = setUp(OWNER, { labels: LABELS, ownerReferences: [MINE] });
    assert.deepEqual(names(await run()), ['a']);
    assert.equal(kernel.requests.length, 0);
  });

  it('adopts an orphan that it selects, beside its other owners, and holds it', async () => {
    const held = ['example.com/other'];
    const { run, stored } = setUp(OWNER, {
      ...{ labels: LABELS, ownerReferences: [OTHER], finalizers: held },
    });
    const [adopted] = await run({ finalizer: FINALIZER });
    assert.deepEqual(adopted?.metadata, stored());
    assert.deepEqual(stored()?.ownerReferences, [OTHER, MINE]);
    assert.deepEqual(stored()?.finalizers, [...held, FINALIZER]);
  });

  it('makes its own the reference that it has already without being the controller', async () => {
    const { controller: _, ...plain } = MINE;
    const { run, stored } = setUp(OWNER, { labels: LABELS, ownerReferences: [plain] });
    await run();
    assert.deepEqual(stored()?.ownerReferences, [MINE]);
  });

  it('releases what it selects no more, and leaves the ties of others', async () => {
    const finalizers = [FINALIZER, 'example.com/other'];
    const { run, stored } = setUp(OWNER, { ownerReferences: [OTHER, MINE], finalizers });
    assert.deepEqual(await run({ finalizer: FINALIZER }), []);
    assert.deepEqual(stored()?.ownerReferences, [OTHER]);
    assert.deepEqual(stored()?.finalizers, ['example.com/other']);
  });

  it('leaves finalizers alone when it was not told of one', async () => {
    const { run, stored } = setUp(OWNER, { ownerReferences: [MINE], finalizers: [FINALIZER] });
    await run();
    assert.deepEqual([stored()?.ownerReferences, stored()?.finalizers], [undefined, [FINALIZER]]);
  });

  const untouched: { name: string; metadata: Pod['metadata']; owner?: ReplicaSet }[] = [
    { name: 'an orphan that it does not select', metadata: { labels: { app: 'db' } } },
    { name: 'an orphan that is being deleted', metadata: { labels: LABELS, ...DELETED } },
    {
      name: 'an orphan, being deleted itself',
      metadata: { labels: LABELS },
      owner: replicaSet('web', {}, { uid: 'mine', ...DELETED }),
    },
    {
      name: 'what it selects no more, being deleted itself',
      metadata: { ownerReferences: [MINE] },
      owner: replicaSet('web', {}, { uid: 'mine', ...DELETED }),
    },
  ];
  for (const { name, metadata, owner = OWNER } of untouched) {
    it(`does not touch ${name}`, async () => {
      const { kernel, run } = setUp(owner, metadata);
      assert.deepEqual(await run({ owner }), []);
      assert.equal(kernel.requests.length, 0);
    });
  }

  const gone: { name: string; stored: ReplicaSet | undefined; reason: string }[] = [
    { name: 'is gone', stored: undefined, reason: 'NotFound' },
    { name: 'is another', stored: replicaSet('web', {}, { uid: 'next' }), reason: 'Conflict' },
    {
      name: 'is being deleted',
      stored: replicaSet('web', {}, { uid: 'mine', ...DELETED }),
      reason: 'Conflict',
    },
  ];
  for (const { name, stored, reason } of gone) {
    it(`adopts nothing when the owner ${name}, though its copy does not know`, async () => {
      const { run, writes } = setUp(stored);
      await assert.rejects(run(), error => ApiError.is(error, reason as 'Conflict'));
      assert.equal(writes(), 0);
    });
  }

  it('rejects when an orphan changed since the copy: another may have been quicker', async () => {
    const { kernel, run, stored } = setUp(OWNER);
    kernel.modify(Pod, KEY, each => {
      each.metadata.ownerReferences = [{ ...OTHER, controller: true }];
    });
    await assert.rejects(run(), isConflict);
    assert.deepEqual(stored()?.ownerReferences, [{ ...OTHER, controller: true }]);
  });

  it('rejects when another has the name of what it would adopt', async () => {
    const { kernel, run, stored } = setUp(OWNER);
    await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
    kernel.add(Pod, pod('a', { metadata: { uid: 'next' } }));
    await assert.rejects(run(), isConflict);
    assert.equal(stored()?.ownerReferences, undefined);
  });

  for (const metadata of [{ labels: LABELS }, { ownerReferences: [MINE] }]) {
    it(`leaves out what is gone (${Object.keys(metadata)})`, async () => {
      const { kernel, run } = setUp(OWNER, metadata);
      await kernel.objects.delete(Pod, { namespace: 'default', name: 'a' });
      assert.deepEqual(await run(), []);
    });
  }
});
