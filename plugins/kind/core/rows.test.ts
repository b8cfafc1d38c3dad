import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { claim, kind, META, made, NOW, template, volume } from './kind-fixtures.ts';
import { CORE_KINDS } from './plugin.ts';

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
