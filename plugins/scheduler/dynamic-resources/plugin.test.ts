import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  conflict,
  DeviceClass,
  loadCel,
  type NodeContext,
  type NodeInfo,
  Pod,
  type PodInfo,
  type PodResourceClaim,
  type PostFilterContext,
  podInfoOf,
  ResourceClaim,
  type ResourceClaimStatus,
  ResourceSlice,
  type SchedulerPlugin,
  schedulerPoint,
  serviceUnavailable,
  type Verdict,
} from 'kernetes/sdk';
import {
  activate,
  node,
  nodeStates,
  pod,
  seededRandom,
  TestKernel,
  testSchedulerPlugin,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';
import { claim, DRIVER, deviceClass, exactly, gpu, slice } from './test-devices.ts';

testSchedulerPlugin(plugin);

const FINALIZER = 'resource.kubernetes.io/delete-protection';
const NODES = nodeStates([node('n1'), node('n2')]);
const USES_C: PodResourceClaim = { name: 'x', resourceClaimName: 'c' };
const OF_TEMPLATE: PodResourceClaim = { name: 'x', resourceClaimTemplateName: 't' };

const podUsing = (name: string, ...resourceClaims: PodResourceClaim[]) =>
  pod(name, {
    metadata: { uid: `uid-${name}` },
    spec: { containers: [{ name: 'main' }], resourceClaims },
  });

async function setUp(objects: (kernel: TestKernel) => void = () => {}) {
  const kernel = new TestKernel();
  kernel.add(DeviceClass, deviceClass());
  kernel.add(ResourceSlice, slice('n1', [gpu('a'), gpu('b')]));
  objects(kernel);
  const { context, clock, dispose } = await activate(plugin, { kernel });
  const [contribution] = context.contributions(schedulerPoint).list();
  const own = contribution?.value.local as SchedulerPlugin;
  const of = (name: string) => podInfoOf(kernel.get(Pod, `default/${name}`) as Pod);
  const about = (info: PodInfo, nodeName = 'n1') => {
    const place = NODES.find(each => each.name === nodeName) as NodeInfo;
    return { pod: info, config: {}, nodes: NODES, node: place, state: undefined } as NodeContext;
  };
  /** Until the node is chosen: what was said first, or by each node. */
  const ask = (info: PodInfo) => {
    const at = about(info);
    const gate = own.preEnqueue?.(at) ?? own.preFilter?.(at);
    if (gate) return { said: [textOf(gate)], at };
    const said = NODES.map(each => textOf(own.filter?.({ ...at, node: each })));
    return { said, at };
  };
  /** Whoever loaded the language before has it then, and has done with it what is to be done. */
  const loaded = async () => {
    await loadCel();
    await clock.step(0);
  };
  const start = async () => {
    const [first] = kernel.add(Pod, podUsing('first', USES_C));
    const isReady = () => !/not read yet/.test(ask(podInfoOf(first as Pod)).said.join());
    for (let tries = 0; !isReady() && tries < 100; tries++) await loaded();
  };
  const got = (name: string) => kernel.get(ResourceClaim, `default/${name}`);
  return { kernel, clock, dispose, own, of, about, ask, loaded, start, got };
}

function textOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return 'fits';
  return 'reasons' in verdict ? verdict.reasons.join(', ') : verdict.code;
}

const CANNOT = 'cannot allocate all claims';
const onNode = (name: string): ResourceClaimStatus => {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [name] }];
  const results = [{ request: 'r', driver: DRIVER, pool: name, device: 'a' }];
  return {
    allocation: { devices: { results }, nodeSelector: { nodeSelectorTerms: [{ matchFields }] } },
  };
};

describe('DynamicResources', () => {
  it('watches nothing until the first pod with claims comes, and wakes it', async () => {
    const { kernel, clock, own, ask, loaded } = await setUp();
    let woken = 0;
    own.watch?.(() => woken++);
    kernel.add(Pod, pod('plain'));
    kernel.add(Pod, podUsing('p', USES_C));
    await clock.step(0);
    assert.deepEqual(ask(podInfoOf(kernel.get(Pod, 'default/plain') as Pod)).said, ['skip']);
    const isOurs = ({ resource }: { resource: string }) => /^(resource|device)/.test(resource);
    assert.equal(kernel.requests.filter(isOurs).length, 0);
    const p = podInfoOf(kernel.get(Pod, 'default/p') as Pod);
    assert.deepEqual(ask(p).said, ['claims and devices are not read yet']);
    for (let tries = 0; woken === 0 && tries < 100; tries++) await loaded();
    assert.deepEqual(ask(p).said, ['could not find resource claim "default/c"']);
  });

  const cases: [string, PodResourceClaim, ResourceClaim[], string[]][] = [
    [
      'waits for the claim of a template',
      OF_TEMPLATE,
      [],
      ['pod "default/p": ResourceClaim not created yet'],
    ],
    [
      'finds the claim that was made for it',
      OF_TEMPLATE,
      [
        claim('p-x-abcde', undefined, {
          metadata: {
            annotations: { 'resource.kubernetes.io/pod-claim-name': 'x' },
            ownerReferences: [
              { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p', controller: true },
            ],
          },
        }),
      ],
      ['fits', CANNOT],
    ],
    ['fits where the devices are', USES_C, [claim('c')], ['fits', CANNOT]],
    [
      'refuses a claim that is being deleted',
      USES_C,
      [
        claim('c', undefined, {
          metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] },
        }),
      ],
      ['resourceclaim "c" is being deleted'],
    ],
    [
      'fits where a claim is allocated',
      USES_C,
      [claim('c', undefined, { status: onNode('n2') })],
      ['resourceclaim not available on the node', 'fits'],
    ],
    [
      'refuses a claim that has no place for another pod',
      USES_C,
      [
        claim('c', undefined, {
          status: {
            ...onNode('n1'),
            reservedFor: Array.from({ length: 256 }, (_, i) => {
              return { resource: 'pods', name: `p${i}`, uid: `u${i}` };
            }),
          },
        }),
      ],
      ['resourceclaim in use'],
    ],
    [
      'refuses a class that there is not',
      USES_C,
      [claim('c', [exactly('r', { deviceClassName: 'none' })])],
      ['request r: device class none does not exist'],
    ],
    [
      'takes no devices that other claims have',
      USES_C,
      [
        claim('c', [exactly('r', { count: 2 })]),
        claim('other', undefined, { status: onNode('n1') }),
      ],
      [CANNOT, CANNOT],
    ],
  ];
  for (const [title, uses, claims, want] of cases) {
    it(title, async () => {
      const { kernel, ask, of, start } = await setUp(each => each.add(ResourceClaim, ...claims));
      await start();
      kernel.add(Pod, podUsing('p', uses));
      assert.deepEqual(ask(of('p')).said, want);
    });
  }

  it('writes the devices and the pod into the claim before the pod is bound', async () => {
    const { kernel, clock, own, of, ask, start, got } = await setUp(each =>
      each.add(ResourceClaim, claim('c')),
    );
    await start();
    kernel.add(Pod, podUsing('p', USES_C));
    const { at } = ask(of('p'));
    assert.equal(own.reserve?.(at), undefined);
    await own.preBind?.(at);
    own.postBind?.(at);
    await clock.step(0);
    const { metadata, status } = got('c') as ResourceClaim;
    assert.deepEqual(metadata.finalizers, [FINALIZER]);
    assert.deepEqual(status, {
      ...onNode('n1'),
      reservedFor: [{ resource: 'pods', name: 'p', uid: 'uid-p' }],
    });
  });

  it('lets a second pod use an allocated claim, where it is', async () => {
    const status = { ...onNode('n1'), reservedFor: [{ resource: 'pods', name: 'q', uid: 'u' }] };
    const { kernel, own, of, ask, start, got } = await setUp(each =>
      each.add(ResourceClaim, claim('c', undefined, { status })),
    );
    await start();
    kernel.add(Pod, podUsing('p', USES_C));
    const { at } = ask(of('p'));
    own.reserve?.(at);
    await own.preBind?.(at);
    assert.deepEqual(
      got('c')?.status?.reservedFor?.map(({ name }) => name),
      ['q', 'p'],
    );
  });

  it('sets devices aside from when a node is chosen until that is undone', async () => {
    const { kernel, own, of, ask, start } = await setUp(each => {
      each.add(ResourceClaim, claim('c', [exactly('r', { count: 2 })]), claim('d'));
    });
    await start();
    kernel.add(Pod, podUsing('p', USES_C), podUsing('q', { name: 'x', resourceClaimName: 'd' }));
    const second = ask(of('q')).at;
    const first = ask(of('p')).at;
    own.reserve?.(first);
    assert.equal(textOf(own.reserve?.(second)), CANNOT);
    assert.deepEqual(ask(of('p')).said, [
      'resource claim default/c is in the process of being allocated',
    ]);
    own.unreserve?.(first);
    assert.equal(own.reserve?.(second), undefined);
  });

  it('keeps devices that were written and are not seen yet', async () => {
    const { kernel, own, of, ask, start } = await setUp(each => {
      each.add(ResourceClaim, claim('c', [exactly('r', { count: 2 })]), claim('d'));
    });
    await start();
    kernel.holdWatches({ resource: 'resourceclaims' });
    kernel.add(Pod, podUsing('p', USES_C), podUsing('q', { name: 'x', resourceClaimName: 'd' }));
    const { at } = ask(of('p'));
    own.reserve?.(at);
    await own.preBind?.(at);
    own.postBind?.(at);
    assert.deepEqual(ask(of('q')).said, [CANNOT, CANNOT]);
    assert.deepEqual(ask(of('p')).said, ['fits', 'resourceclaim not available on the node']);
  });

  it('writes on what others wrote meanwhile', async () => {
    const { kernel, own, of, ask, start, got } = await setUp(each =>
      each.add(ResourceClaim, claim('c')),
    );
    await start();
    kernel.add(Pod, podUsing('p', USES_C));
    const { at } = ask(of('p'));
    own.reserve?.(at);
    let failures = 1;
    const subject = { group: 'resource.k8s.io', resource: 'resourceclaims' } as never;
    kernel.fault = ({ verb }) => {
      return verb === 'update' && failures-- > 0 ? conflict(subject, 'c') : undefined;
    };
    await own.preBind?.(at);
    assert.ok(got('c')?.status?.allocation);
  });

  it('takes the pod off again when it comes to nothing', async () => {
    const { kernel, clock, own, of, ask, start, got } = await setUp(each =>
      each.add(ResourceClaim, claim('c')),
    );
    await start();
    kernel.add(Pod, podUsing('p', USES_C));
    const { at } = ask(of('p'));
    own.reserve?.(at);
    await own.preBind?.(at);
    own.unreserve?.(at);
    await clock.step(0);
    assert.deepEqual(got('c')?.status?.reservedFor ?? [], []);
    assert.ok(got('c')?.status?.allocation, 'the next attempt may use it');
  });

  it('gives devices back when they cannot be written', async () => {
    const { kernel, own, of, ask, start } = await setUp(each => {
      each.add(ResourceClaim, claim('c', [exactly('r', { count: 2 })]));
    });
    await start();
    kernel.add(Pod, podUsing('p', USES_C));
    const { at } = ask(of('p'));
    own.reserve?.(at);
    kernel.fault = () => serviceUnavailable('down');
    await assert.rejects(async () => own.preBind?.(at), /down/);
    own.unreserve?.(at);
    kernel.fault = () => undefined;
    assert.deepEqual(ask(of('p')).said, ['fits', CANNOT]);
  });

  it('deallocates a claim that nobody uses where no node can use it', async () => {
    const elsewhere = claim('c', undefined, { status: onNode('n3') });
    const { kernel, clock, own, of, ask, start, got } = await setUp(each =>
      each.add(ResourceClaim, elsewhere),
    );
    await start();
    kernel.add(Pod, podUsing('p', USES_C));
    const { at } = ask(of('p'));
    const result = await own.postFilter?.(at as unknown as PostFilterContext);
    assert.deepEqual(result, { message: 'deallocation of ResourceClaim completed' });
    assert.equal(got('c')?.status?.allocation, undefined);
    await clock.step(0);
    assert.deepEqual(ask(of('p')).said, ['fits', CANNOT]);
  });

  it('deallocates nothing that others use', async () => {
    const status = { ...onNode('n3'), reservedFor: [{ resource: 'pods', name: 'q', uid: 'u' }] };
    const { kernel, own, of, ask, start, got } = await setUp(each =>
      each.add(ResourceClaim, claim('c', undefined, { status })),
    );
    await start();
    kernel.add(Pod, podUsing('p', USES_C));
    const { at } = ask(of('p'));
    const result = await own.postFilter?.(at as unknown as PostFilterContext);
    assert.deepEqual(result, { message: 'still not schedulable' });
    assert.ok(got('c')?.status?.allocation);
  });

  it('wakes all when devices come or are free, and the users of a claim when that changes', async () => {
    const { kernel, clock, own, of, start } = await setUp();
    await start();
    kernel.add(Pod, podUsing('p', USES_C), podUsing('q', { name: 'x', resourceClaimName: 'd' }));
    const [p, q] = [of('p'), of('q')];
    const woken: string[] = [];
    own.watch?.(concerns => {
      for (const each of [p, q]) if (concerns?.(each) ?? true) woken.push(each.name);
    });
    const since = async (change: () => unknown) => {
      woken.length = 0;
      await change();
      await clock.step(0);
      return [...woken];
    };
    assert.deepEqual(await since(() => kernel.add(ResourceClaim, claim('c'))), ['p']);
    assert.deepEqual(await since(() => kernel.add(DeviceClass, deviceClass('x'))), ['p', 'q']);
    assert.deepEqual(await since(() => kernel.add(ResourceSlice, slice('n2', []))), ['p', 'q']);
    const status = onNode('n1');
    const allocateC = () =>
      kernel.modify(ResourceClaim, 'default/c', object => {
        object.status = status;
      });
    assert.deepEqual(await since(allocateC), ['p']);
    const freeC = () =>
      kernel.modify(ResourceClaim, 'default/c', object => {
        delete object.status?.allocation;
      });
    assert.deepEqual(await since(freeC), ['p', 'q']);
  });
});

describe('DynamicResources, whatever happens', () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`gives no device away twice, and loses none (seed ${seed})`, async () => {
      const random = seededRandom(seed);
      const upTo = (n: number) => Math.floor(random.next() * n);
      const { kernel, clock, own, of, ask, start, got } = await setUp(each => {
        each.add(ResourceSlice, slice('n2', [gpu('a'), gpu('b'), gpu('c')]));
        for (let i = 0; i < 12; i++) {
          each.add(ResourceClaim, claim(`c${i}`, [exactly('r', { count: 1 + upTo(2) })]));
          each.add(Pod, podUsing(`p${i}`, { name: 'x', resourceClaimName: `c${i}` }));
        }
      });
      await start();
      const held = new Map<number, NodeContext>();
      const assertOnce = () => {
        const taken = kernel
          .all(ResourceClaim)
          .flatMap(({ status }) => status?.allocation?.devices?.results ?? [])
          .map(({ pool, device }) => `${pool}/${device}`);
        assert.equal(new Set(taken).size, taken.length, taken.join(' '));
      };
      let release: (() => void) | undefined;
      for (let step = 0; step < 120; step++) {
        const i = upTo(12);
        const at = held.get(i);
        if (upTo(8) === 0) {
          release?.();
          release = release ? undefined : kernel.holdWatches({ resource: 'resourceclaims' });
        }
        if (at === undefined && !got(`c${i}`)?.status?.allocation) {
          const asked = ask(of(`p${i}`));
          const place = NODES.find((_, n) => asked.said[n] === 'fits');
          if (asked.said.length < 2 || place === undefined) continue;
          const chosen = { ...asked.at, node: place };
          if (own.reserve?.(chosen)) continue;
          held.set(i, chosen);
        } else if (at && upTo(3) === 0) {
          own.unreserve?.(at);
          held.delete(i);
        } else if (at) {
          held.delete(i);
          kernel.fault = ({ verb }) =>
            verb === 'update' && upTo(4) === 0 ? serviceUnavailable('down') : undefined;
          try {
            await own.preBind?.(at);
            own.postBind?.(at);
          } catch {
            own.unreserve?.(at);
          }
          kernel.fault = () => undefined;
        } else if (upTo(2) === 0) {
          kernel.modify(ResourceClaim, `default/c${i}`, object => {
            object.status = {};
          });
        }
        await clock.step(0);
        assertOnce();
      }
      release?.();
      for (const at of held.values()) own.unreserve?.(at);
      for (let i = 0; i < 12; i++) {
        kernel.modify(ResourceClaim, `default/c${i}`, object => {
          object.status = {};
        });
      }
      await clock.step(0);
      // All five devices can be had again.
      const all = [exactly('r', { count: 3 })];
      kernel.add(ResourceClaim, claim('c', all), claim('e', [exactly('r', { count: 2 })]));
      kernel.add(
        Pod,
        podUsing('whole', USES_C),
        podUsing('rest', { name: 'x', resourceClaimName: 'e' }),
      );
      await clock.step(0);
      assert.deepEqual(ask(of('whole')).said, [CANNOT, 'fits']);
      assert.deepEqual(ask(of('rest')).said, ['fits', 'fits']);
    });
  }
});
