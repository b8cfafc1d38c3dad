import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type {
  Device,
  DeviceClaim,
  DeviceClass,
  FieldError,
  KubeObject,
  ResourceClaim,
  ResourceClaimStatus,
  ResourceClaimTemplate,
  ResourceSlice,
  ResourceSliceSpec,
} from 'kernetes/sdk';
import { createdAs, rowOf, updatedAs } from 'kernetes/sdk/testing';
import { validateClaimStatus } from './claim-status.ts';
import { deviceClasses } from './device-class.ts';
import { resourceClaims, resourceClaimTemplates } from './resource-claim.ts';
import { resourceSlices } from './resource-slice.ts';
import { hasSelectors, Selectors } from './selectors.ts';

const selectors = new Selectors();
before(() => selectors.load());
const claims = resourceClaims(selectors);
const classes = deviceClasses(selectors);

const texts = (errors: readonly FieldError[]) =>
  errors.map(({ field, message }) => `${field}: ${message.slice(0, 60)}`);

function claim(devices: DeviceClaim, status: ResourceClaimStatus = {}): ResourceClaim {
  return { metadata: { name: 'c', namespace: 'default' }, spec: { devices }, status };
}
const ask = (exactly: object = {}) => ({
  name: 'gpu',
  exactly: { deviceClassName: 'gpu', ...exactly },
});
const cel = (expression: string) => [{ cel: { expression } }];

describe('ResourceClaim', () => {
  it('asks for one device where nothing else is said', () => {
    const { object, errors } = createdAs(claims, 'v1', claim({ requests: [ask()] }));
    assert.deepEqual(errors, []);
    const { requests } = (object as ResourceClaim).spec.devices ?? {};
    const exactly = { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 };
    assert.deepEqual(requests, [{ name: 'gpu', exactly }]);
  });

  const refusals: { title: string; devices: DeviceClaim; wanted: string[] }[] = [
    { title: 'nothing of a claim for no device', devices: {}, wanted: [] },
    {
      title: 'a request of no sort',
      devices: { requests: [{ name: 'gpu' }] },
      wanted: [
        'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable`',
      ],
    },
    {
      title: 'a request of both sorts',
      devices: {
        requests: [{ ...ask(), firstAvailable: [{ name: 'a', deviceClassName: 'gpu' }] }],
      },
      wanted: [
        'spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvail',
      ],
    },
    {
      title: 'a name twice, and one that is none',
      devices: { requests: [ask(), ask(), { ...ask(), name: 'A' }] },
      wanted: [
        'spec.devices.requests[2].name: Invalid value: "A": a lowercase RFC 1123 label must consist ',
        'spec.devices.requests[1]: Duplicate value: "gpu"',
      ],
    },
    {
      title: 'too many requests, and looks no further',
      devices: { requests: Array.from({ length: 33 }, () => ask({ deviceClassName: '' })) },
      wanted: ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    },
    {
      title: 'no class, no such mode, a count of all',
      devices: {
        requests: [
          { name: 'a', exactly: { deviceClassName: '' } },
          { name: 'b', exactly: { deviceClassName: 'x', allocationMode: 'Some' } },
          { name: 'c', exactly: { deviceClassName: 'x', allocationMode: 'All', count: 2 } },
          { name: 'd', exactly: { deviceClassName: 'x', count: -1 } },
        ],
      },
      wanted: [
        'spec.devices.requests[0].exactly.deviceClassName: Required value',
        'spec.devices.requests[1].exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCo',
        'spec.devices.requests[2].exactly.count: Invalid value: 2: must not be specified when allocationMode ',
        'spec.devices.requests[3].exactly.count: Invalid value: -1: must be greater than zero',
      ],
    },
    {
      title: 'selectors that do not compile, give no bool, are too long, or say nothing',
      devices: {
        requests: [
          ask({
            selectors: [
              ...cel('device.none'),
              ...cel('1'),
              ...cel(`"${'x'.repeat(10 * 1024)}" == ""`),
              {},
            ],
          }),
        ],
      },
      wanted: [
        'spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "device.none": compilation failed: ERROR: <in',
        'spec.devices.requests[0].exactly.selectors[1].cel.expression: Invalid value: "1": must evaluate to bool or the unknown typ',
        'spec.devices.requests[0].exactly.selectors[2].cel.expression: Too long: may not be more than 10240 bytes',
        'spec.devices.requests[0].exactly.selectors[3].cel: Required value',
      ],
    },
    {
      title: 'tolerations that tolerate nothing',
      devices: {
        requests: [
          ask({ tolerations: [{ operator: 'Exists', value: 'x' }, { operator: 'Like' }] }),
        ],
      },
      wanted: [
        'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "x": must be empty for operator `Exists`',
        'spec.devices.requests[0].exactly.tolerations[1].operator: Unsupported value: "Like": supported values: "Equal", "Exist',
      ],
    },
    {
      title: 'a constraint on no request, of no attribute, of one without a domain',
      devices: {
        requests: [ask(), { name: 'f', firstAvailable: [{ name: 'a', deviceClassName: 'x' }] }],
        constraints: [
          { requests: ['none'], matchAttribute: 'example.com/a' },
          { requests: ['f/a'], distinctAttribute: 'a' },
          { requests: ['gpu'] },
          { requests: ['f/a/b'], matchAttribute: 'example.com/a-b' },
        ],
      },
      wanted: [
        'spec.devices.constraints[0].requests[0]: Invalid value: "none": must be the name of a request in the ',
        'spec.devices.constraints[1].distinctAttribute: Invalid value: "a": a fully qualified name must be a domain ',
        'spec.devices.constraints[2]: Required value: exactly one of "matchAttribute" or "distinct',
        'spec.devices.constraints[3].requests[0]: Invalid value: "f/a/b": must be the name of a request in the',
        'spec.devices.constraints[3].matchAttribute: Invalid value: "a-b": a valid C identifier must start with a',
      ],
    },
    {
      title: 'a configuration that no driver reads, or that is no object',
      devices: {
        config: [
          {},
          { opaque: { driver: 'd.example.com', parameters: [] } } as never,
          { opaque: { driver: 'd.example.com', parameters: { x: 'y'.repeat(10 * 1024) } } },
        ],
      },
      wanted: [
        'spec.devices.config[0].opaque: Required value',
        'spec.devices.config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON objec',
        'spec.devices.config[2].opaque.parameters: Too long: may not be more than 10240 bytes',
      ],
    },
  ];
  for (const { title, devices, wanted } of refusals) {
    it(`refuses ${title}`, () => {
      const { errors } = createdAs(claims, 'v1', claim(devices));
      assert.deepEqual(texts(errors), wanted);
    });
  }

  it('cannot be changed', () => {
    const old = createdAs(claims, 'v1', claim({ requests: [ask()] })).object;
    const body = claim({ requests: [ask({ count: 2 })] });
    const { errors } = updatedAs(claims, 'v1', { body, old });
    assert.deepEqual(
      errors.map(({ field, message }) => [field, message.endsWith('field is immutable')]),
      [['spec', true]],
    );
  });

  it('shows its state', () => {
    const devices = { requests: [ask()] };
    const allocation = {};
    const reservedFor = [{ resource: 'pods', name: 'p', uid: 'u' }];
    const states = [{}, { allocation }, { allocation, reservedFor }].map(status => {
      const row = rowOf(claims, 'v1', { object: claim(devices, status), now: 0 });
      return row.State;
    });
    assert.deepEqual(states, ['pending', 'allocated', 'allocated,reserved']);
  });
});

describe('status of a ResourceClaim', () => {
  const devices = { requests: [ask()] };
  const device = { driver: 'd.example.com', pool: 'n1', device: 'gpu-0' };
  const allocation = { devices: { results: [{ request: 'gpu', ...device }] } };
  const pod = { resource: 'pods', name: 'p', uid: 'u' };
  const refusals: {
    title: string;
    status: ResourceClaimStatus;
    old?: ResourceClaimStatus;
    deleted?: boolean;
    wanted: string[];
  }[] = [
    {
      title: 'nothing of an allocation with what it has',
      status: { allocation, reservedFor: [pod], devices: [{ ...device, data: {} }] },
      wanted: [],
    },
    {
      title: 'users of what is not allocated',
      status: { reservedFor: [pod] },
      wanted: ['status.reservedFor: Forbidden: may not be specified when `allocated` is not set'],
    },
    {
      title: 'new users of what is being deleted',
      status: { allocation, reservedFor: [pod] },
      old: { allocation },
      deleted: true,
      wanted: ['status.reservedFor: Forbidden: new entries may not be added while `deallocationR'],
    },
    {
      title: 'users without a name, and one twice',
      status: { allocation, reservedFor: [pod, pod, { resource: '', name: '', uid: '' }] },
      wanted: [
        'status.reservedFor[2].resource: Required value',
        'status.reservedFor[2].name: Required value',
        'status.reservedFor[2].uid: Required value',
        'status.reservedFor[1]: Duplicate value: "u"',
      ],
    },
    {
      title: 'another allocation in the place of one',
      status: { allocation },
      old: { allocation: { devices: { results: [] } } },
      wanted: ['status.allocation: Invalid value: {"devices":{"results":[{"request":"gpu","driv'],
    },
    {
      title: 'an allocation for a request that there is not, from nowhere',
      status: {
        allocation: {
          devices: { results: [{ request: 'x', driver: '', pool: '', device: '' }] },
        },
      },
      wanted: [
        'status.allocation.devices.results[0].request: Invalid value: "x": must be the name of a request in the cla',
        'status.allocation.devices.results[0].driver: Required value',
        'status.allocation.devices.results[0].pool: Required value',
        'status.allocation.devices.results[0].device: Invalid value: "": a lowercase RFC 1123 label must consist o',
      ],
    },
    {
      title: 'the state of a device that is not allocated',
      status: { allocation, devices: [{ ...device, device: 'gpu-1' }] },
      wanted: ['status.devices[0]: Invalid value: "d.example.com/n1/gpu-1": must be an allocate'],
    },
  ];
  for (const { title, status, old = {}, deleted, wanted } of refusals) {
    it(`refuses ${title}`, () => {
      const changed = claim(devices, status);
      if (deleted) changed.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
      assert.deepEqual(texts(validateClaimStatus(changed, claim(devices, old))), wanted);
    });
  }
});

describe('devices that are given back', () => {
  it('take with them what their drivers said of them', () => {
    const ours = { driver: 'd.example.com', pool: 'n1', device: 'gpu-0' };
    const allocation = { devices: { results: [{ request: 'gpu', ...ours }] } };
    const old = claim({ requests: [ask()] }, { allocation, devices: [ours] });
    const freed = claim({ requests: [ask()] }, { devices: [ours] });
    claims.strategy.prepareStatusUpdate?.(freed, old, undefined as never);
    assert.deepEqual(freed.status, {});
    const kept = claim({ requests: [ask()] }, { allocation, devices: [ours] });
    claims.strategy.prepareStatusUpdate?.(kept, old, undefined as never);
    assert.deepEqual(kept.status?.devices, [ours]);
  });
});

describe('ResourceClaimTemplate', () => {
  const kind = resourceClaimTemplates(selectors);
  const template = (devices: DeviceClaim): ResourceClaimTemplate => ({
    metadata: { name: 't', namespace: 'default' },
    spec: { spec: { devices } },
  });

  it('is checked as the claims that are made of it', () => {
    const { object, errors } = createdAs(kind, 'v1', template({ requests: [ask()] }));
    assert.deepEqual(errors, []);
    const { requests } = (object as ResourceClaimTemplate).spec.spec.devices ?? {};
    assert.equal(requests?.[0]?.exactly?.count, 1);
    const wrong = createdAs(kind, 'v1', template({ requests: [ask({ count: -1 })] }));
    assert.deepEqual(
      wrong.errors.map(({ field }) => field),
      ['spec.spec.devices.requests[0].exactly.count'],
    );
  });

  it('cannot be changed', () => {
    const old = createdAs(kind, 'v1', template({ requests: [ask()] })).object;
    const { errors } = updatedAs(kind, 'v1', { body: template({}), old });
    assert.deepEqual(
      errors.map(({ field }) => field),
      ['spec'],
    );
  });
});

describe('DeviceClass', () => {
  const made = (spec: DeviceClass['spec']): DeviceClass => ({ metadata: { name: 'gpu' }, spec });

  it('refuses what does not compile, and keeps what once did', () => {
    const broken = made({ selectors: cel('device.none') });
    assert.equal(createdAs(classes, 'v1', broken).errors.length, 1);
    const same = updatedAs(classes, 'v1', { body: broken, old: broken });
    assert.deepEqual(same.errors, []);
    const old = made({ selectors: cel('true') });
    assert.equal(updatedAs(classes, 'v1', { body: broken, old }).errors.length, 1);
  });

  it('stands for an extended resource, if it is one', () => {
    assert.deepEqual(
      createdAs(classes, 'v1', made({ extendedResourceName: 'a.b/gpu' })).errors,
      [],
    );
    const { errors } = createdAs(classes, 'v1', made({ extendedResourceName: 'cpu' }));
    assert.deepEqual(texts(errors), [
      'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
    ]);
  });
});

describe('ResourceSlice', () => {
  const pool = { name: 'n1', generation: 1, resourceSliceCount: 1 };
  const slice = (spec: Partial<ResourceSliceSpec>): ResourceSlice => ({
    metadata: { name: 's' },
    spec: { driver: 'd.example.com', pool, nodeName: 'n1', ...spec },
  });
  const withDevice = (device: Partial<Device>) =>
    slice({ devices: [{ name: 'gpu-0', ...device } as Device] });
  const ONE = 'exactly one of `nodeName`, `nodeSelect';
  const refusals: { title: string; given: ResourceSlice; wanted: string[] }[] = [
    {
      title: 'nothing of devices as they are',
      given: withDevice({
        attributes: {
          model: { string: 'x' },
          'example.com/index': { int: 1 },
          v: { version: '1.0.0' },
        },
        capacity: { memory: { value: '80Gi' } },
      }),
      wanted: [],
    },
    {
      title: 'no place',
      given: { metadata: {}, spec: { driver: 'd.example.com', pool } },
      wanted: [`spec: Required value: ${ONE}or\`, \``],
    },
    {
      title: 'two places',
      given: slice({ allNodes: true }),
      wanted: ['spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `n'],
    },
    {
      title: 'a driver and a pool that are none',
      given: slice({ driver: '', pool: { name: 'A/b', generation: -1, resourceSliceCount: 0 } }),
      wanted: [
        'spec.driver: Required value',
        'spec.pool.name: Invalid value: "A": a lowercase RFC 1123 subdomain must cons',
        'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
        'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
      ],
    },
    {
      title: 'devices and counters together',
      given: slice({ devices: [], sharedCounters: [] }),
      wanted: ['spec: Invalid value: "": only one of `sharedCounters` or `devices`'],
    },
    {
      title: 'an attribute of no value, of two, of a version that is none',
      given: withDevice({
        attributes: {
          a: {},
          b: { int: 1, bool: true },
          c: { version: '1.0' },
          'x/y/z': { int: 1 },
        },
      }),
      wanted: [
        'spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified',
        'spec.devices[0].attributes[b]: Invalid value: {"int":1,"bool":true}: exactly one value must',
        'spec.devices[0].attributes[c].version: Invalid value: "1.0": must be a string compatible with semve',
        'spec.devices[0].attributes: Invalid value: "x/y/z": must not contain more than one slash',
      ],
    },
    {
      title: 'a taint without effect',
      given: withDevice({ taints: [{ key: 'k', effect: '' }] }),
      wanted: ['spec.devices[0].taints[0].effect: Required value'],
    },
    {
      title: 'devices that say their place where the slice does',
      given: withDevice({ nodeName: 'n2' }),
      wanted: ['spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNode'],
    },
  ];
  for (const { title, given, wanted } of refusals) {
    it(`refuses ${title}`, () => {
      assert.deepEqual(texts(createdAs(resourceSlices, 'v1', given).errors), wanted);
    });
  }

  it('belongs to one driver, pool and node', () => {
    const old = slice({});
    const body = slice({ driver: 'e.example.com', nodeName: 'n2', pool: { ...pool, name: 'n2' } });
    const { errors } = updatedAs(resourceSlices, 'v1', { body, old });
    assert.deepEqual(
      errors.map(({ field }) => field),
      ['spec.pool.name', 'spec.driver', 'spec.nodeName'],
    );
  });

  it('notes when a device was tainted', () => {
    const given = withDevice({ taints: [{ key: 'k', effect: 'NoSchedule' }] });
    const { object } = createdAs(resourceSlices, 'v1', given as KubeObject);
    const [device] = (object as ResourceSlice).spec.devices ?? [];
    assert.match(device?.taints?.[0]?.timeAdded ?? '', /^\d{4}-.*\dZ$/);
  });
});

describe('hasSelectors()', () => {
  it('finds them at any depth', () => {
    assert.equal(hasSelectors(claim({ requests: [ask()] })), false);
    assert.equal(hasSelectors(claim({ requests: [ask({ selectors: [] })] })), true);
  });
});
