import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { base64, brief, claim, kind, made, template, volume } from './kind-fixtures.ts';

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
    [
      'resourcequotas',
      'scopes of what has none',
      {
        spec: {
          hard: { pods: '1', cpu: '1', 'requests.storage': '1', 'count/pods': '1' },
          scopes: ['BestEffort', 'Terminating'],
          scopeSelector: {
            matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'Exists' }],
          },
        },
      },
      [
        'Invalid spec.scopes',
        'Invalid spec.scopes',
        'Invalid spec.scopes',
        'Invalid spec.scopeSelector.matchExpressions',
        'Invalid spec.scopeSelector.matchExpressions',
      ],
    ],
    [
      'resourcequotas',
      'scope selectors',
      {
        spec: {
          scopeSelector: {
            matchExpressions: [
              { scopeName: 'PriorityClass', operator: 'In', values: ['high'] },
              { scopeName: 'BestEffort', operator: 'DoesNotExist' },
              { scopeName: 'PriorityClass', operator: 'NotIn' },
              { scopeName: 'X', operator: 'Exists', values: ['x'] },
            ],
          },
        },
      },
      [
        'Invalid spec.scopeSelector.matchExpressions.operator',
        'Required spec.scopeSelector.matchExpressions.values',
        'Invalid spec.scopeSelector.matchExpressions.scopeName',
        'Invalid spec.scopeSelector.matchExpressions.values',
      ],
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
