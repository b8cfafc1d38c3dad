import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ControllerRevision, StatefulSet } from './api/types-apps-v1.ts';
import type { PodTemplateSpec } from './api/types-core-v1.ts';
import { sortRevisions, syncRevision, templateOf, truncateHistory } from './controller-history.ts';
import { controllerReference } from './ownership.ts';
import { serviceUnavailable } from './status.ts';
import { TestKernel } from './testing/testing.ts';

const HASH_LABEL = 'controller.kubernetes.io/hash';

function template(image: string): PodTemplateSpec {
  return { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'main', image }] } };
}

function setUp() {
  const kernel = new TestKernel();
  const [owner] = kernel.add(StatefulSet, { metadata: { name: 'db', namespace: 'default' } });
  assert.ok(owner);
  const sync = (image: string, collisionCount = 0) =>
    syncRevision(template(image), {
      objects: kernel.objects,
      ownerKind: StatefulSet,
      owner,
      hashLabel: HASH_LABEL,
      revisions: kernel.all(ControllerRevision),
      collisionCount,
    });
  const numbers = () => sortRevisions(kernel.all(ControllerRevision)).map(r => r.revision);
  return { kernel, owner, sync, numbers };
}

describe('syncRevision()', () => {
  it('makes a revision of a template once, owned, labelled and named by its hash', async () => {
    const { kernel, owner, sync } = setUp();
    const { revision } = await sync('a:1');
    await sync('a:1');
    assert.equal(kernel.all(ControllerRevision).length, 1);
    const hash = revision.metadata.labels?.[HASH_LABEL];
    assert.equal(revision.metadata.name, `db-${hash}`);
    assert.deepEqual(revision.metadata.ownerReferences, [controllerReference(StatefulSet, owner)]);
    assert.deepEqual(templateOf(revision), template('a:1'));
  });

  it('gives a template that was there before the next number, as undo needs it', async () => {
    const { sync, numbers } = setUp();
    const first = await sync('a:1');
    await sync('a:2');
    assert.deepEqual(numbers(), [1, 2]);
    const again = await sync('a:1');
    assert.equal(again.revision.metadata.name, first.revision.metadata.name);
    assert.deepEqual(numbers(), [2, 3]);
  });

  it('takes another name where somebody has it', async () => {
    const { kernel, sync } = setUp();
    const { revision } = await sync('a:1');
    const { name = '' } = revision.metadata;
    await kernel.objects.delete(ControllerRevision, { namespace: 'default', name });
    kernel.add(ControllerRevision, { metadata: { name, namespace: 'default' }, revision: 7 });
    const { objects } = kernel;
    const owner = kernel.get(StatefulSet, 'default/db') ?? { metadata: {} };
    const options = { objects, ownerKind: StatefulSet, owner, hashLabel: HASH_LABEL };
    const second = await syncRevision(template('a:1'), {
      ...options,
      revisions: [],
      collisionCount: 0,
    });
    assert.equal(second.collisionCount, 1);
    assert.notEqual(second.revision.metadata.name, name);
  });

  it('takes up what it made before its answer was lost', async () => {
    const { kernel, owner } = setUp();
    const options = { ownerKind: StatefulSet, owner, hashLabel: HASH_LABEL, collisionCount: 0 };
    const objects = kernel.objects;
    const losing = {
      ...objects,
      create: async (...args: Parameters<typeof objects.create>) => {
        await objects.create(...args);
        throw serviceUnavailable('the answer was lost');
      },
    } as typeof objects;
    await assert.rejects(
      syncRevision(template('a:1'), { ...options, objects: losing, revisions: [] }),
    );
    await syncRevision(template('a:1'), { ...options, objects, revisions: [] });
    assert.equal(kernel.all(ControllerRevision).length, 1);
  });
});

describe('truncateHistory()', () => {
  it('deletes the oldest that nobody uses beyond the limit', async () => {
    const { kernel, sync, numbers } = setUp();
    const names: string[] = [];
    for (const image of ['a:1', 'a:2', 'a:3', 'a:4', 'a:5']) {
      names.push((await sync(image)).revision.metadata.name ?? '');
    }
    const live = new Set([names[0] ?? '', names[4] ?? '']);
    const all = kernel.all(ControllerRevision);
    await truncateHistory(kernel.objects, all, { live, limit: 2 });
    assert.deepEqual(numbers(), [1, 3, 4, 5]);
    await truncateHistory(kernel.objects, all, { live, limit: 0 });
    assert.deepEqual(numbers(), [1, 5]);
  });
});
