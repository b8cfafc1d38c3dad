import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FieldError, KindDefinition, KubeObject, StrategyContext } from 'kernetes/sdk';
import { CORE_KINDS } from './plugin.ts';

const NOW = Date.parse('2026-01-01T00:05:00Z');
const CONTEXT = { clock: { now: () => NOW }, version: 'v1' } as unknown as StrategyContext;
const META = { name: 'x', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' };

function kind(resource: string): KindDefinition {
  const found = CORE_KINDS.find(each => each.resource === resource);
  assert.ok(found);
  return found;
}

/** An object with its kind's defaults. */
function made(resource: string, fields: object): KubeObject {
  const object = structuredClone({ metadata: META, ...fields }) as KubeObject;
  kind(resource).versions[0]?.defaults?.(object);
  return object;
}

function brief(errors: readonly FieldError[] | undefined): string[] {
  return (errors ?? []).map(({ reason, field }) => `${reason.replace('FieldValue', '')} ${field}`);
}

const template = {
  metadata: { labels: { a: 'b' } },
  spec: { containers: [{ name: 'c', image: 'i' }] },
};
const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const volume = {
  capacity: { storage: '1Gi' },
  accessModes: ['ReadWriteOnce'],
  hostPath: { path: '/a' },
};
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('validate()', () => {
  const cases: readonly (readonly [string, string, object, string[]])[] = [
    ['configmaps', 'good keys', { data: { 'a.b-c_D': 'x' }, binaryData: { e: 'AA==' } }, []],
    [
      'configmaps',
      'bad keys, and one in both maps',
      { data: { 'a/b': '', k: '' }, binaryData: { k: '' } },
      ['Invalid data[a/b]', 'Invalid data[k]'],
    ],
    ['configmaps', 'a key named as what every object has', { data: { constructor: 'x' } }, []],
    ['configmaps', 'more than a megabyte', { data: { a: 'x'.repeat(2 ** 20 + 1) } }, ['TooLong ']],
    [
      'secrets',
      'more than a megabyte',
      { data: { a: base64('x'.repeat(2 ** 20 + 1)) } },
      ['TooLong data'],
    ],
    ['secrets', 'just a megabyte', { data: { a: base64('x'.repeat(2 ** 20)) } }, []],
    [
      'secrets',
      'a certificate without key',
      { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
      ['Required data[tls.key]'],
    ],
    [
      'secrets',
      'no registry credentials',
      { type: 'kubernetes.io/dockerconfigjson' },
      ['Required data[.dockerconfigjson]'],
    ],
    [
      'secrets',
      'registry credentials that are no JSON',
      { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('{') } },
      ['Invalid data[.dockerconfigjson]'],
    ],
    [
      'secrets',
      'neither user nor password',
      { type: 'kubernetes.io/basic-auth' },
      ['Required data[username]', 'Required data[password]'],
    ],
    [
      'secrets',
      "a token without its account's name",
      { type: 'kubernetes.io/service-account-token' },
      ['Required metadata.annotations[kubernetes.io/service-account.name]'],
    ],
    [
      'namespaces',
      'a finalizer without a domain',
      { spec: { finalizers: ['kubernetes', 'mine'] } },
      ['Invalid spec.finalizers'],
    ],
    [
      'nodes',
      'taints',
      {
        spec: {
          taints: [
            { key: 'a', effect: 'NoSchedule' },
            { key: 'a', value: 'v', effect: 'NoSchedule' },
            { key: '', effect: 'Never' },
          ],
        },
      },
      [
        'Duplicate spec.taints[1]',
        'Invalid spec.taints[2].key',
        'Invalid spec.taints[2].key',
        'NotSupported spec.taints[2].effect',
      ],
    ],
    [
      'nodes',
      'pod addresses',
      { spec: { podCIDRs: ['10.0.0.0/24', '10.0.1.0/24'] } },
      ['Invalid spec.podCIDRs'],
    ],
    ['nodes', 'both families of them', { spec: { podCIDRs: ['10.0.0.0/24', 'fd00::/64'] } }, []],
    [
      'nodes',
      'less than nothing',
      { status: { capacity: { cpu: '-1' } } },
      ['Invalid status.capacity[cpu]', 'Invalid status.allocatable[cpu]'],
    ],
    [
      'endpoints',
      'subsets',
      { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
      [],
    ],
    [
      'endpoints',
      'bad ones',
      {
        subsets: [
          {},
          {
            addresses: [{ ip: '127.0.0.1' }, { ip: 'x' }],
            ports: [{ port: 0 }, { port: 1, name: 'a', protocol: 'X' }],
          },
        ],
      },
      [
        'Required subsets[0]',
        'Invalid subsets[1].addresses[0].ip',
        'Invalid subsets[1].addresses[1].ip',
        'Required subsets[1].ports[0].name',
        'Invalid subsets[1].ports[0].port',
        'NotSupported subsets[1].ports[1].protocol',
      ],
    ],
    [
      'events',
      'another namespace',
      { involvedObject: { namespace: 'other' } },
      ['Invalid involvedObject.namespace'],
    ],
    ['events', 'a cluster-wide object', { involvedObject: { kind: 'Node', name: 'n' } }, []],
    [
      'events',
      'the newer form, incomplete',
      {
        involvedObject: { namespace: 'default' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reason: 'r',
      },
      ['Required reportingController', 'Required reportingInstance', 'Required action'],
    ],
    [
      'limitranges',
      'a container',
      { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '1' } }] } },
      [],
    ],
    [
      'limitranges',
      'bounds the wrong way round',
      { spec: { limits: [{ type: 'Pod', max: { cpu: '1' }, min: { cpu: '2' } }] } },
      ['Invalid spec.limits[0].min[cpu]'],
    ],
    [
      'limitranges',
      'defaults of a pod',
      { spec: { limits: [{ type: 'Pod', default: { cpu: '1' } }] } },
      ['Forbidden spec.limits[0].default'],
    ],
    [
      'limitranges',
      'a type twice, an unknown one, storage without bounds',
      {
        spec: {
          limits: [
            { type: 'Pod' },
            { type: 'Pod' },
            { type: 'X' },
            { type: 'PersistentVolumeClaim' },
          ],
        },
      },
      [
        'Duplicate spec.limits[1].type',
        'Invalid spec.limits[2].type',
        'Required spec.limits[3].limits',
      ],
    ],
    [
      'resourcequotas',
      'known resources',
      {
        spec: {
          hard: {
            pods: '1',
            'requests.cpu': '1',
            'count/jobs.batch': '2',
            'requests.nvidia.com/gpu': '1',
          },
        },
      },
      [],
    ],
    [
      'resourcequotas',
      'unknown and bad ones',
      { spec: { hard: { gpus: '1', pods: '1500m', cpu: '-1' } } },
      ['Invalid spec.hard[cpu]', 'Invalid spec.hard[gpus]', 'Invalid spec.hard[pods]'],
    ],
    [
      'resourcequotas',
      'scopes',
      { spec: { scopes: ['BestEffort', 'NotBestEffort', 'X'] } },
      ['Invalid spec.scopes', 'Invalid spec.scopes'],
    ],
    ['persistentvolumes', 'a host path', { spec: volume }, []],
    [
      'persistentvolumes',
      'nothing',
      { spec: {} },
      ['Required spec.accessModes', 'Required spec.capacity', 'Required spec'],
    ],
    [
      'persistentvolumes',
      'two sources',
      { spec: { ...volume, nfs: { server: 's', path: '/' } } },
      ['Forbidden spec.nfs'],
    ],
    [
      'persistentvolumes',
      'a local one that could be anywhere',
      { spec: { ...volume, hostPath: undefined, local: { path: '/a' } } },
      ['Required metadata.annotations'],
    ],
    ['persistentvolumeclaims', 'a claim', { spec: claim }, []],
    [
      'persistentvolumeclaims',
      'nothing',
      { spec: {} },
      ['Required spec.accessModes', 'Required spec.resources[storage]'],
    ],
    [
      'persistentvolumeclaims',
      'bad modes and no size',
      {
        spec: { accessModes: ['X'], volumeMode: 'Tape', resources: { requests: { storage: '0' } } },
      },
      [
        'NotSupported spec.accessModes',
        'Invalid spec.resources[storage]',
        'NotSupported spec.volumeMode',
      ],
    ],
    ['podtemplates', 'a template', { template }, []],
    ['podtemplates', 'an empty one', {}, ['Required template.spec.containers']],
    ['replicationcontrollers', 'a template alone', { spec: { template } }, []],
    [
      'replicationcontrollers',
      'a selector of other pods',
      { spec: { selector: { a: 'c' }, template, replicas: -1 } },
      ['Invalid spec.replicas', 'Invalid spec.template.metadata.labels'],
    ],
    [
      'replicationcontrollers',
      'nothing',
      { spec: {} },
      ['Required spec.selector', 'Required spec.template'],
    ],
    [
      'replicationcontrollers',
      'pods that end',
      { spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } },
      ['NotSupported spec.template.spec.restartPolicy'],
    ],
  ];
  for (const [resource, name, fields, wanted] of cases) {
    test(`of ${resource} ${wanted.length === 0 ? 'accepts' : 'refuses'} ${name}`, () => {
      assert.deepEqual(brief(kind(resource).strategy.validate?.(made(resource, fields))), wanted);
    });
  }
});

describe('validateUpdate()', () => {
  const bound = {
    spec: { ...claim, volumeName: 'v' },
    status: { phase: 'Bound', capacity: { storage: '2Gi' } },
  };
  const sized = (storage: string) => ({
    ...bound,
    spec: { ...bound.spec, resources: { requests: { storage } } },
  });
  const cases: readonly (readonly [string, string, object, object, string[]])[] = [
    ['configmaps', 'other data', { data: { a: '1' } }, { data: { a: '2' } }, []],
    [
      'configmaps',
      'other immutable data',
      { immutable: true, data: { a: '1' } },
      { immutable: true, data: { a: '2' } },
      ['Forbidden data'],
    ],
    ['configmaps', 'the end of immutability', { immutable: true }, {}, ['Forbidden immutable']],
    ['secrets', 'another type', { type: 'a' }, { type: 'b' }, ['Invalid type']],
    [
      'secrets',
      'other immutable data',
      { immutable: true, data: { a: 'AA==' } },
      { immutable: true, data: {} },
      ['Forbidden data'],
    ],
    ['nodes', 'first pod addresses', {}, { spec: { podCIDR: '10.0.0.0/24' } }, []],
    [
      'nodes',
      'other pod addresses',
      { spec: { podCIDR: '10.0.0.0/24' } },
      { spec: { podCIDR: '10.0.1.0/24' } },
      ['Forbidden spec.podCIDRs'],
    ],
    [
      'nodes',
      'another provider',
      { spec: { providerID: 'a' } },
      { spec: { providerID: 'b' } },
      ['Forbidden spec.providerID'],
    ],
    [
      'resourcequotas',
      'other scopes',
      { spec: { scopes: ['BestEffort'] } },
      { spec: {} },
      ['Invalid spec.scopes'],
    ],
    [
      'persistentvolumes',
      'another claim',
      { spec: volume },
      { spec: { ...volume, claimRef: { name: 'c' } } },
      [],
    ],
    [
      'persistentvolumes',
      'another source',
      { spec: volume },
      { spec: { ...volume, hostPath: { path: '/b' } } },
      ['Forbidden spec.persistentvolumesource'],
    ],
    [
      'persistentvolumes',
      'another mode',
      { spec: volume },
      { spec: { ...volume, volumeMode: 'Block' } },
      ['Invalid volumeMode'],
    ],
    [
      'persistentvolumeclaims',
      'its volume',
      { spec: claim },
      { spec: { ...claim, volumeName: 'v' } },
      [],
    ],
    [
      'persistentvolumeclaims',
      'another volume',
      bound,
      { ...bound, spec: { ...bound.spec, volumeName: 'w' } },
      ['Forbidden spec'],
    ],
    ['persistentvolumeclaims', 'more of a bound one', bound, sized('3Gi'), []],
    [
      'persistentvolumeclaims',
      'less of a bound one than it has',
      sized('3Gi'),
      sized('1Gi'),
      ['Forbidden spec.resources.requests.storage'],
    ],
    [
      'persistentvolumeclaims',
      'more of an unbound one',
      { spec: claim },
      { spec: { ...claim, resources: { requests: { storage: '2Gi' } } } },
      ['Forbidden spec'],
    ],
  ];
  for (const [resource, name, old, now, wanted] of cases) {
    test(`of ${resource} ${wanted.length === 0 ? 'allows' : 'refuses'} ${name}`, () => {
      const found = kind(resource).strategy.validateUpdate?.(
        made(resource, now),
        made(resource, old),
      );
      assert.deepEqual(brief(found), wanted);
    });
  }
});

describe('rows', () => {
  const cases: readonly (readonly [string, object, readonly unknown[]])[] = [
    ['configmaps', { data: { a: '', b: '' }, binaryData: { c: '' } }, ['x', 3, '5m']],
    ['secrets', { data: { a: '' } }, ['x', 'Opaque', 1, '5m']],
    ['serviceaccounts', { secrets: [{ name: 'a' }] }, ['x', 1, '5m']],
    ['namespaces', { status: { phase: 'Active' } }, ['x', 'Active', '5m']],
    [
      'nodes',
      {
        metadata: {
          ...META,
          labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'db' },
        },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
          nodeInfo: { kubeletVersion: 'v1' },
        },
      },
      [
        'x',
        'Ready,SchedulingDisabled',
        'db,worker',
        '5m',
        'v1',
        '10.0.0.1',
        '<none>',
        '<unknown>',
        '<unknown>',
        '<unknown>',
      ],
    ],
    [
      'nodes',
      {},
      [
        'x',
        'Unknown',
        '<none>',
        '5m',
        '',
        '<none>',
        '<none>',
        '<unknown>',
        '<unknown>',
        '<unknown>',
      ],
    ],
    ['endpoints', {}, ['x', '<none>', '5m']],
    [
      'endpoints',
      {
        subsets: [
          {
            addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
            ports: [{ port: 80 }, { port: 81 }],
          },
        ],
      },
      ['x', '10.0.0.1:80,[fd00::1]:80,10.0.0.1:81 + 1 more...', '5m'],
    ],
    [
      'events',
      {
        involvedObject: { kind: 'Pod', name: 'p' },
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:04:00Z',
        count: 3,
        type: 'Normal',
        reason: 'Pulled',
        message: ' done\n',
        source: { component: 'kubelet', host: 'n' },
      },
      ['60s', 'Normal', 'Pulled', 'pod/p', '', 'kubelet, n', 'done', '5m', 3, 'x'],
    ],
    [
      'events',
      {
        involvedObject: { kind: 'Node' },
        eventTime: '2026-01-01T00:04:30.000000Z',
        reportingComponent: 'c',
      },
      ['30s', '', '', 'node', '', 'c', '', '30s', 1, 'x'],
    ],
    [
      'events',
      {
        involvedObject: {},
        eventTime: '2026-01-01T00:00:00.000000Z',
        series: { count: 4, lastObservedTime: '2026-01-01T00:04:50.000000Z' },
      },
      ['10s', '', '', '', '', '', '', '5m', 4, 'x'],
    ],
    ['limitranges', {}, ['x', META.creationTimestamp]],
    [
      'resourcequotas',
      { status: { hard: { pods: '2', 'limits.cpu': '1' }, used: { pods: '1' } } },
      ['x', 'pods: 1/2', 'limits.cpu: 0/1', '5m'],
    ],
    [
      'persistentvolumes',
      { spec: { ...volume, claimRef: { namespace: 'n', name: 'c' } }, status: { phase: 'Bound' } },
      ['x', '1Gi', 'RWO', 'Retain', 'Bound', 'n/c', '', '<unset>', '', '5m', 'Filesystem'],
    ],
    [
      'persistentvolumeclaims',
      { spec: claim, status: { phase: 'Pending' } },
      ['x', 'Pending', '', '', '', '', '<unset>', '5m', 'Filesystem'],
    ],
    [
      'persistentvolumeclaims',
      {
        spec: { ...claim, volumeName: 'v', storageClassName: 's' },
        status: {
          phase: 'Bound',
          accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
          capacity: { storage: '2Gi' },
        },
      },
      ['x', 'Bound', 'v', '2Gi', 'RWO,ROX', 's', '<unset>', '5m', 'Filesystem'],
    ],
    ['podtemplates', { template }, ['x', 'c', 'i', 'a=b']],
    [
      'replicationcontrollers',
      { spec: { replicas: 3, template }, status: { replicas: 2, readyReplicas: 1 } },
      ['x', 3, 2, 1, '5m', 'c', 'i', 'a=b'],
    ],
    [
      'componentstatuses',
      { conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] },
      ['x', 'Healthy', 'ok', ''],
    ],
  ];
  for (const [resource, fields, wanted] of cases) {
    test(`of ${resource}: ${wanted.join(' ')}`, () => {
      const row = kind(resource).versions[0]?.row?.(made(resource, fields), NOW);
      assert.deepEqual(row, wanted);
    });
  }

  for (const { resource, versions } of CORE_KINDS) {
    test(`of ${resource} have one cell a column`, () => {
      const row = versions[0]?.row?.(made(resource, {}), NOW);
      assert.equal(row?.length, versions[0]?.columns?.length);
    });
  }
});

describe('namespaces', () => {
  const { strategy, subresources = [] } = kind('namespaces');

  test('are held, once deleted, until nothing is left in spec.finalizers', () => {
    const namespace = made('namespaces', {}) as KubeObject & { spec?: object; status?: object };
    strategy.prepareCreate?.(namespace, CONTEXT);
    assert.equal(strategy.heldBy?.(namespace), true);
    namespace.metadata.deletionTimestamp = META.creationTimestamp;
    strategy.prepareDelete?.(namespace, CONTEXT);
    assert.deepEqual(namespace.status, { phase: 'Terminating' });
    const finalize = subresources.find(({ name }) => name === 'finalize');
    finalize?.apply?.(namespace, { metadata: {} }, CONTEXT);
    assert.equal(strategy.heldBy?.(namespace), false);
    assert.deepEqual(namespace.spec, {});
  });

  test('keep their finalizers through any other update', () => {
    const old = made('namespaces', { spec: { finalizers: ['kubernetes'] } });
    const update = made('namespaces', { spec: {} }) as KubeObject & { spec?: object };
    strategy.prepareUpdate?.(update, old, CONTEXT);
    assert.deepEqual(update.spec, { finalizers: ['kubernetes'] });
  });

  test('are Active exactly until they are deleted', () => {
    const active = made('namespaces', { status: { phase: 'Active' } });
    assert.deepEqual(strategy.validateStatusUpdate?.(active, active), []);
    const leaving = { ...active, metadata: { ...META, deletionTimestamp: META.creationTimestamp } };
    assert.deepEqual(brief(strategy.validateStatusUpdate?.(leaving, active)), [
      'Invalid status.Phase',
    ]);
  });

  test('have a name that is one label', () => {
    assert.equal(strategy.validateName?.('a', false), undefined);
    assert.equal(strategy.validateName?.('a-', true), undefined);
    assert.match(strategy.validateName?.('a.b', false) ?? '', /must not contain dots/);
  });
});

test('defaults of a limit range take limits from maxima, and requests from limits or minima', () => {
  const item = { type: 'Container', max: { cpu: '2' }, min: { cpu: '1', memory: '1Mi' } };
  const range = made('limitranges', { spec: { limits: [item] } }) as KubeObject & {
    spec: { limits: object[] };
  };
  assert.deepEqual(range.spec.limits[0], {
    ...item,
    default: { cpu: '2' },
    defaultRequest: { cpu: '2', memory: '1Mi' },
  });
});

test('a pod template has a new generation when what it holds changes', () => {
  const { strategy } = kind('podtemplates');
  const old = made('podtemplates', { metadata: { ...META, generation: 1 }, template });
  const same = structuredClone(old);
  strategy.prepareUpdate?.(same, old, CONTEXT);
  assert.equal(same.metadata.generation, 1);
  const changed = made('podtemplates', { metadata: { ...META, generation: 1 }, template: {} });
  strategy.prepareUpdate?.(changed, old, CONTEXT);
  assert.equal(changed.metadata.generation, 2);
});

test("a persistent volume's phase changes at a moment that its status says", () => {
  const { strategy } = kind('persistentvolumes');
  const old = made('persistentvolumes', { status: { phase: 'Pending' } });
  const now = made('persistentvolumes', { status: { phase: 'Bound' } }) as KubeObject & {
    status: object;
  };
  strategy.prepareStatusUpdate?.(now, old, CONTEXT);
  assert.deepEqual(now.status, { phase: 'Bound', lastPhaseTransitionTime: '2026-01-01T00:05:00Z' });
});
