import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeviceConstraint, DeviceTaint } from 'kernetes/sdk';
import {
  claim,
  DRIVER,
  deviceClass,
  exactly,
  gpu,
  type Problem,
  selector,
  slice,
  solve,
} from './test-devices.ts';

const CANNOT = 'cannot allocate all claims';
const two = [gpu('a'), gpu('b')];
const model = (value: string) => ({ attributes: { model: { string: value } } });
const onCard = (card: number) => ({ attributes: { card: { int: card } } });
const matches = (matchAttribute: string, requests?: string[]) => ({
  constraints: [{ matchAttribute, ...(requests && { requests }) }] as DeviceConstraint[],
});
const MODEL_IS = (value: string) => `device.attributes["${DRIVER}"].model == "${value}"`;
const inPool = (generation: number, resourceSliceCount: number) => ({
  pool: { name: 'n1', generation, resourceSliceCount },
});
const zone = (value: string) => ({
  nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }] }],
});
const TAINT: DeviceTaint = { key: 'sick', effect: 'NoSchedule' };
const consumes = (memory: string) => ({
  consumesCounters: [{ counterSet: 'card', counters: { memory: { value: memory } } }],
});
const CARD = [{ name: 'card', counters: { memory: { value: '80Gi' } } }];

describe('allocate()', () => {
  const cases: [string, Problem, string[] | string][] = [
    [
      'takes the first device that is free',
      { slices: [slice('n1', two)], claims: [claim('c')] },
      ['r=a'],
    ],
    [
      'takes no device that is taken',
      { slices: [slice('n1', two)], claims: [claim('c')], taken: [`${DRIVER}/n1/a`] },
      ['r=b'],
    ],
    [
      'takes no device twice for a pod',
      { slices: [slice('n1', two)], claims: [claim('c'), claim('d')] },
      ['r=a', 'r=b'],
    ],
    ['takes none of another node', { slices: [slice('n2', two)], claims: [claim('c')] }, CANNOT],
    [
      'refuses more devices than there are',
      { slices: [slice('n1', two)], claims: [claim('c', [exactly('r', { count: 3 })])] },
      CANNOT,
    ],
    [
      'knows no class of that name',
      { slices: [], claims: [claim('c')], classes: [] },
      'request r: device class gpu does not exist',
    ],
    [
      'asks the selectors of the class and of the request',
      {
        slices: [slice('n1', [gpu('a', model('x')), gpu('b', model('y')), gpu('c', model('y'))])],
        classes: [deviceClass('gpu', { selectors: selector(MODEL_IS('y')) })],
        claims: [
          claim('c', [
            exactly('r', { selectors: selector(`device.driver == "${DRIVER}"`), count: 2 }),
          ]),
        ],
      },
      ['r=b', 'r=c'],
    ],
    [
      'goes back where a later request has no other choice',
      {
        slices: [slice('n1', [gpu('a', model('x')), gpu('b', model('y'))])],
        claims: [
          claim('c', [exactly('any'), exactly('x', { selectors: selector(MODEL_IS('x')) })]),
        ],
      },
      ['any=b', 'x=a'],
    ],
    [
      'goes back to another claim of the pod',
      {
        slices: [slice('n1', [gpu('a', model('x')), gpu('b', model('y'))])],
        claims: [claim('c'), claim('d', [exactly('x', { selectors: selector(MODEL_IS('x')) })])],
      },
      ['r=b', 'x=a'],
    ],
    [
      'takes the first of several choices that can be had',
      {
        slices: [slice('n1', two)],
        claims: [
          claim('c', [
            {
              name: 'r',
              firstAvailable: [
                { name: 'many', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 3 },
                { name: 'few', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 },
              ],
            },
          ]),
        ],
      },
      ['r/few=a', 'r/few=b'],
    ],
    [
      'takes all that are selected',
      {
        slices: [slice('n1', two)],
        claims: [claim('c', [exactly('r', { allocationMode: 'All' })])],
      },
      ['r=a', 'r=b'],
    ],
    [
      'takes not all where one is taken',
      {
        slices: [slice('n1', two)],
        claims: [claim('c', [exactly('r', { allocationMode: 'All' })])],
        taken: [`${DRIVER}/n1/b`],
      },
      CANNOT,
    ],
    [
      'takes at least one for all',
      {
        slices: [slice('n1', [])],
        claims: [claim('c', [exactly('r', { allocationMode: 'All' })])],
      },
      CANNOT,
    ],
    [
      'lets admins have what others use',
      {
        slices: [slice('n1', [gpu('a')])],
        claims: [claim('c', [exactly('r', { adminAccess: true })]), claim('d')],
      },
      // The second claim is of the same pod: what an admin looks at is not free for it.
      CANNOT,
    ],
    [
      'lets admins have what is taken, once',
      {
        slices: [slice('n1', two)],
        claims: [claim('c', [exactly('r', { adminAccess: true, count: 2 })])],
        taken: [`${DRIVER}/n1/a`],
      },
      ['r=a', 'r=b'],
    ],
    [
      'keeps to one value where devices must match',
      {
        slices: [slice('n1', [gpu('a', onCard(1)), gpu('b', onCard(2)), gpu('c', onCard(2))])],
        claims: [claim('c', [exactly('r', { count: 2 })], { devices: matches(`${DRIVER}/card`) })],
      },
      ['r=b', 'r=c'],
    ],
    [
      'lets other requests be where only some must match',
      {
        slices: [slice('n1', [gpu('a', onCard(1)), gpu('b', onCard(2)), gpu('c', onCard(2))])],
        claims: [
          claim('c', [exactly('r'), exactly('s'), exactly('t')], {
            devices: matches(`${DRIVER}/card`, ['s', 't']),
          }),
        ],
      },
      ['r=a', 's=b', 't=c'],
    ],
    [
      'takes no device without the attribute that must match',
      {
        slices: [slice('n1', two)],
        claims: [claim('c', undefined, { devices: matches('x.y/z') })],
      },
      CANNOT,
    ],
    [
      'takes devices that differ where they must',
      {
        slices: [slice('n1', [gpu('a', onCard(1)), gpu('b', onCard(1)), gpu('c', onCard(2))])],
        claims: [
          claim('c', [exactly('r', { count: 2 })], {
            devices: { constraints: [{ distinctAttribute: `${DRIVER}/card` }] },
          }),
        ],
      },
      ['r=a', 'r=c'],
    ],
    [
      'does not take a number for a text',
      {
        slices: [
          slice('n1', [gpu('a', onCard(1)), gpu('b', { attributes: { card: { string: '1' } } })]),
        ],
        claims: [claim('c', [exactly('r', { count: 2 })], { devices: matches(`${DRIVER}/card`) })],
      },
      CANNOT,
    ],
    [
      'takes what all nodes reach',
      { slices: [slice('net', two, { allNodes: true })], claims: [claim('c')] },
      ['r=a'],
    ],
    [
      'takes what the labels of the node reach',
      {
        slices: [slice('net', two, { nodeSelector: zone('a') })],
        claims: [claim('c')],
        labels: { zone: 'a' },
      },
      ['r=a'],
    ],
    [
      'takes nothing that they do not',
      {
        slices: [slice('net', two, { nodeSelector: zone('a') })],
        claims: [claim('c')],
        labels: { zone: 'b' },
      },
      CANNOT,
    ],
    [
      'asks each device where it can be used',
      {
        slices: [
          slice('net', [gpu('a', { nodeName: 'n2' }), gpu('b', { nodeSelector: zone('a') })], {
            perDeviceNodeSelection: true,
          }),
        ],
        claims: [claim('c')],
        labels: { zone: 'a' },
      },
      ['r=b'],
    ],
    [
      'takes the newest generation of a pool',
      {
        slices: [
          { ...slice('s1', [gpu('old')], { nodeName: 'n1', ...inPool(1, 1) }) },
          { ...slice('s2', [gpu('new')], { nodeName: 'n1', ...inPool(2, 1) }) },
        ],
        claims: [claim('c')],
      },
      ['r=new'],
    ],
    [
      'takes nothing of a pool that is not whole',
      { slices: [slice('s1', two, { nodeName: 'n1', ...inPool(1, 2) })], claims: [claim('c')] },
      CANNOT,
    ],
    [
      'cannot know what all are of a pool that is not whole',
      {
        slices: [slice('s1', two, { nodeName: 'n1', ...inPool(1, 2) })],
        claims: [claim('c', [exactly('r', { allocationMode: 'All' })])],
      },
      `claim default/c, request r: asks for all devices, but resource pool ${DRIVER}/n1 is currently being updated`,
    ],
    [
      'takes nothing of a pool that has a device twice',
      {
        slices: ['s1', 's2'].map(name => slice(name, two, { nodeName: 'n1', ...inPool(1, 2) })),
        claims: [claim('c')],
      },
      'invalid resource pools were encountered',
    ],
    [
      'takes no tainted device',
      { slices: [slice('n1', [gpu('a', { taints: [TAINT] }), gpu('b')])], claims: [claim('c')] },
      ['r=b'],
    ],
    [
      'takes a tainted device for who tolerates it',
      {
        slices: [slice('n1', [gpu('a', { taints: [TAINT] })])],
        claims: [
          claim('c', [exactly('r', { tolerations: [{ key: 'sick', operator: 'Exists' }] })]),
        ],
      },
      ['r=a'],
    ],
    [
      'minds no taint that only warns',
      {
        slices: [slice('n1', [gpu('a', { taints: [{ ...TAINT, effect: 'None' }] })])],
        claims: [claim('c')],
      },
      ['r=a'],
    ],
    [
      'takes partitions as long as their card lasts',
      {
        slices: [
          slice('counters', [], { nodeName: 'n1', ...inPool(1, 2), sharedCounters: CARD }),
          slice(
            's',
            [gpu('a', consumes('40Gi')), gpu('b', consumes('60Gi')), gpu('c', consumes('40Gi'))],
            {
              nodeName: 'n1',
              ...inPool(1, 2),
            },
          ),
        ],
        claims: [claim('c', [exactly('r', { count: 2 })])],
      },
      ['r=a', 'r=c'],
    ],
    [
      'counts the partitions that are taken',
      {
        slices: [
          slice('counters', [], { nodeName: 'n1', ...inPool(1, 2), sharedCounters: CARD }),
          slice('s', [gpu('a', consumes('40Gi')), gpu('b', consumes('60Gi'))], {
            nodeName: 'n1',
            ...inPool(1, 2),
          }),
        ],
        claims: [claim('c')],
        taken: [`${DRIVER}/n1/a`],
      },
      CANNOT,
    ],
    [
      'leaves devices alone that are bound by their driver',
      { slices: [slice('n1', [gpu('a', { bindingConditions: ['ready'] })])], claims: [claim('c')] },
      CANNOT,
    ],
    [
      'allocates nothing for a claim that asks for nothing',
      { slices: [], claims: [claim('c', [])] },
      [],
    ],
  ];
  for (const [title, problem, want] of cases) {
    it(title, async () => assert.deepEqual(await solve(problem), want));
  }

  it('gives a search up that would take too long', async () => {
    const devices = Array.from({ length: 40 }, (_, i) => gpu(`d${i}`, onCard(i)));
    const requests = [exactly('r', { count: 20 }), exactly('s', { count: 20 })];
    const constraints = [
      { distinctAttribute: `${DRIVER}/card` },
      { matchAttribute: `${DRIVER}/none`, requests: ['s'] },
    ];
    const claims = [
      claim('c', [requests[0] as never], { devices: { constraints: constraints.slice(0, 1) } }),
      claim('d', [requests[1] as never], {
        devices: { constraints: [{ matchAttribute: `${DRIVER}/none` }] },
      }),
    ];
    assert.equal(
      await solve({ slices: [slice('n1', devices)], claims }),
      'timed out trying to allocate devices',
    );
  });

  it('tells which selector failed, on what', async () => {
    const broken = claim('c', [exactly('r', { selectors: selector('device.attributes["x"].y') })]);
    await assert.rejects(
      solve({ slices: [slice('n1', two)], claims: [broken] }),
      /claim default\/c: selector #0 on device d.example.com\/n1\/a: CEL runtime error: no such key: y/,
    );
    const none = deviceClass('gpu', { selectors: selector('device.none') });
    await assert.rejects(
      solve({ slices: [], claims: [claim('c')], classes: [none] }),
      /class gpu: selector #0: CEL compile error: ERROR: .*undefined field 'none'/,
    );
  });
});
