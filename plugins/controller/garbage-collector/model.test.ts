import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  ALL_VERBS,
  ConfigMap,
  type Kind,
  type KubeObject,
  type OwnerReference,
  Pod,
  Secret,
  servedKindPoint,
} from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const KINDS: readonly Kind[] = [ConfigMap, Secret, Pod];
const OBJECTS_MAX = 8;
const HOLD = 'test/hold';

interface Node {
  readonly kind: number;
  /** Indexes; those of later objects make circles. */
  readonly owners: readonly number[];
  readonly blocks: boolean;
  readonly held: boolean;
}

interface Step {
  readonly target: number;
  readonly policy: 'Background' | 'Foreground' | 'Orphan';
  readonly restart: boolean;
}

const node = fc.record({
  kind: fc.nat(KINDS.length - 1),
  owners: fc.uniqueArray(fc.nat(OBJECTS_MAX - 1), { maxLength: 3 }),
  blocks: fc.boolean(),
  held: fc.boolean(),
});
const step: fc.Arbitrary<Step> = fc.record({
  target: fc.nat(OBJECTS_MAX - 1),
  policy: fc.constantFrom('Background', 'Foreground', 'Orphan'),
  restart: fc.boolean(),
});
const nodes = fc.array(node, { minLength: 1, maxLength: OBJECTS_MAX });
const steps = fc.array(step, { minLength: 1, maxLength: 4 });

it('whatever owns whom, what stays is what a simple recursion says', async () => {
  await fc.assert(
    fc.asyncProperty(nodes, steps, async (graph, deletions) => {
      const kernel = await kernelWith(graph);
      const model = new Model(graph);
      let running = await activate(plugin, { kernel });
      for (const { target, policy, restart } of deletions) {
        if (!model.has(target)) continue;
        model.delete(target, policy === 'Orphan');
        const { kind = 0 } = graph[target] ?? {};
        const key = { namespace: 'x', name: nameOf(target) };
        await kernel.objects.delete(KINDS[kind] ?? ConfigMap, key, { propagationPolicy: policy });
        if (restart) {
          await running.dispose();
          running = await activate(plugin, { kernel });
        }
        await settle(kernel, running.clock);
        assert.deepEqual(left(kernel), model.left());
      }
      await running.dispose();
    }),
    { numRuns: 150 },
  );
});

/** Ownership without time: an object goes with the last of its owners. */
class Model {
  readonly #owners = new Map<number, Set<number>>();

  constructor(graph: readonly Node[]) {
    for (const i of graph.keys()) this.#owners.set(i, new Set(ownersOf(graph, i)));
  }

  has(object: number): boolean {
    return this.#owners.has(object);
  }

  left(): string[] {
    return [...this.#owners.keys()].map(nameOf).sort();
  }

  delete(object: number, orphan: boolean): void {
    if (!this.#owners.delete(object)) return;
    for (const [dependent, owners] of [...this.#owners]) {
      if (owners.delete(object) && owners.size === 0 && !orphan) this.delete(dependent, false);
    }
  }
}

async function kernelWith(graph: readonly Node[]): Promise<TestKernel> {
  const kernel = new TestKernel();
  const link = kernel.link('kinds');
  for (const kind of KINDS) {
    link.provide(servedKindPoint, kind.resource, { ...kind, verbs: ALL_VERBS, expires: false });
  }
  for (const [i, { kind, held, blocks }] of graph.entries()) {
    const ownerReferences = ownersOf(graph, i).map((owner): OwnerReference => {
      const { kind: ownerKind = '' } = KINDS[graph[owner]?.kind ?? 0] ?? {};
      const uid = `uid-${owner}`;
      const reference = { apiVersion: 'v1', kind: ownerKind, name: nameOf(owner), uid };
      return { ...reference, blockOwnerDeletion: blocks };
    });
    const metadata = { name: nameOf(i), namespace: 'x', uid: `uid-${i}`, ownerReferences };
    const object = { metadata: { ...metadata, ...(held && { finalizers: [HOLD] }) } };
    kernel.add(KINDS[kind] ?? ConfigMap, object);
  }
  return kernel;
}

/** Lets go of everything that is held and deleted, until nothing more happens. */
async function settle(kernel: TestKernel, clock: { step(ms: number): Promise<void> }) {
  for (let held = true; held; ) {
    await clock.step(60_000);
    held = false;
    for (const kind of KINDS) {
      for (const { metadata } of kernel.all(kind)) {
        if (!metadata.deletionTimestamp || !metadata.finalizers?.includes(HOLD)) continue;
        held = true;
        kernel.modify(kind, `x/${metadata.name}`, (object: KubeObject) => {
          const { finalizers = [] } = object.metadata;
          object.metadata.finalizers = finalizers.filter(each => each !== HOLD);
        });
      }
    }
  }
}

function ownersOf(graph: readonly Node[], object: number): number[] {
  return (graph[object]?.owners ?? []).filter(owner => owner < graph.length && owner !== object);
}

function left(kernel: TestKernel): string[] {
  return KINDS.flatMap(kind => kernel.all(kind).map(({ metadata }) => metadata.name ?? '')).sort();
}

function nameOf(object: number): string {
  return `o${object}`;
}
