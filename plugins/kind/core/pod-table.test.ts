import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerStatus, Pod, PodSpec, PodStatus } from 'kernetes/sdk';
import { POD_COLUMNS, podRow } from './pod-table.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const STARTED = '2026-01-01T00:00:00Z';

interface Case {
  readonly name: string;
  readonly status: PodStatus;
  readonly spec?: Partial<PodSpec>;
  readonly deleted?: boolean;
  /** READY, STATUS, RESTARTS */
  readonly wanted: readonly [string, string, string];
}

function container(name: string, state: ContainerStatus['state'], more = {}): ContainerStatus {
  return {
    name,
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    state: state ?? {},
    ...more,
  };
}
const running = { running: { startedAt: STARTED } };
const ended = (exitCode: number, reason = '', signal = 0) => ({
  terminated: { exitCode, ...(reason && { reason }), ...(signal && { signal }) },
});
const ready = (name: string, more = {}) => container(name, running, { ready: true, ...more });
const restarted = (restartCount: number, finishedAt: string) => ({
  restartCount,
  lastState: { terminated: { exitCode: 1, finishedAt } },
});
const PodReady = { type: 'Ready', status: 'True' };

const CASES: readonly Case[] = [
  { name: 'a new pod', status: { phase: 'Pending' }, wanted: ['0/2', 'Pending', '0'] },
  {
    name: 'a gated pod',
    status: {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
    },
    wanted: ['0/2', 'SchedulingGated', '0'],
  },
  {
    name: 'containers that are made',
    status: {
      phase: 'Pending',
      containerStatuses: [
        container('a', { waiting: { reason: 'ContainerCreating' } }),
        container('b', { waiting: { reason: 'ContainerCreating' } }),
      ],
    },
    wanted: ['0/2', 'ContainerCreating', '0'],
  },
  {
    name: 'a running pod',
    status: { phase: 'Running', containerStatuses: [ready('a'), ready('b')] },
    wanted: ['2/2', 'Running', '0'],
  },
  {
    name: 'a crash, with its last restart',
    status: {
      phase: 'Running',
      containerStatuses: [
        container(
          'a',
          { waiting: { reason: 'CrashLoopBackOff' } },
          restarted(3, '2026-01-01T00:55:00Z'),
        ),
        ready('b', restarted(1, '2026-01-01T00:10:00Z')),
      ],
    },
    wanted: ['1/2', 'CrashLoopBackOff', '4 (5m ago)'],
  },
  {
    name: "the first container's trouble before the second's",
    status: {
      phase: 'Pending',
      containerStatuses: [
        container('a', { waiting: { reason: 'ErrImagePull' } }),
        container('b', { waiting: { reason: 'ImagePullBackOff' } }),
      ],
    },
    wanted: ['0/2', 'ErrImagePull', '0'],
  },
  {
    name: 'what ended well',
    status: { phase: 'Succeeded', containerStatuses: [container('a', ended(0, 'Completed'))] },
    wanted: ['0/2', 'Completed', '0'],
  },
  {
    name: 'one that ended beside one that runs, ready and not',
    status: {
      phase: 'Running',
      conditions: [PodReady],
      containerStatuses: [container('a', ended(0, 'Completed')), ready('b')],
    },
    wanted: ['1/2', 'Running', '0'],
  },
  {
    name: 'the same in a pod that is not ready',
    status: {
      phase: 'Running',
      containerStatuses: [container('a', ended(0, 'Completed')), ready('b')],
    },
    wanted: ['1/2', 'NotReady', '0'],
  },
  {
    name: 'an exit code and a signal without a reason',
    status: {
      phase: 'Failed',
      containerStatuses: [container('a', ended(3)), container('b', ended(1, '', 9))],
    },
    wanted: ['0/2', 'ExitCode:3', '0'],
  },
  {
    name: 'a signal',
    status: { phase: 'Failed', containerStatuses: [container('a', ended(137, '', 9))] },
    wanted: ['0/2', 'Signal:9', '0'],
  },
  {
    name: 'an evicted pod',
    status: { phase: 'Failed', reason: 'Evicted' },
    wanted: ['0/2', 'Evicted', '0'],
  },
  {
    name: 'the second init container at work',
    spec: { initContainers: [{ name: 'i' }, { name: 'j' }] },
    status: {
      phase: 'Pending',
      initContainerStatuses: [container('i', ended(0, 'Completed')), container('j', running)],
      containerStatuses: [container('a', { waiting: { reason: 'PodInitializing' } })],
    },
    wanted: ['0/2', 'Init:1/2', '0'],
  },
  {
    name: 'an init container that fails, with its restarts',
    spec: { initContainers: [{ name: 'i' }] },
    status: {
      phase: 'Pending',
      initContainerStatuses: [
        container('i', ended(1, 'Error'), restarted(2, '2026-01-01T00:59:30Z')),
      ],
      containerStatuses: [container('a', {}, { restartCount: 7 })],
    },
    wanted: ['0/2', 'Init:Error', '2 (30s ago)'],
  },
  {
    name: 'an init container that waits',
    spec: { initContainers: [{ name: 'i' }] },
    status: {
      phase: 'Pending',
      initContainerStatuses: [container('i', { waiting: { reason: 'CrashLoopBackOff' } })],
    },
    wanted: ['0/2', 'Init:CrashLoopBackOff', '0'],
  },
  {
    name: 'a sidecar among the containers',
    spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
    status: {
      phase: 'Running',
      initContainerStatuses: [ready('s', { started: true, restartCount: 1 })],
      containerStatuses: [ready('a'), ready('b')],
    },
    wanted: ['3/3', 'Running', '1'],
  },
  {
    name: 'a pod that is being deleted',
    deleted: true,
    status: { phase: 'Running', containerStatuses: [ready('a'), ready('b')] },
    wanted: ['2/2', 'Terminating', '0'],
  },
  {
    name: 'a deleted pod that had ended',
    deleted: true,
    status: { phase: 'Succeeded', containerStatuses: [container('a', ended(0, 'Completed'))] },
    wanted: ['0/2', 'Completed', '0'],
  },
  {
    name: 'a deleted pod of a lost node',
    deleted: true,
    status: { phase: 'Running', reason: 'NodeLost' },
    wanted: ['0/2', 'Unknown', '0'],
  },
];

describe('podRow()', () => {
  for (const { name, status, spec, deleted, wanted } of CASES) {
    test(`shows ${name}`, () => {
      const pod: Pod = {
        metadata: {
          name: 'p',
          creationTimestamp: STARTED,
          ...(deleted && { deletionTimestamp: STARTED }),
        },
        spec: { containers: [{ name: 'a' }, { name: 'b' }], ...spec },
        status,
      };
      const row = podRow(pod, NOW);
      assert.equal(row.length, POD_COLUMNS.length);
      assert.deepEqual(row, ['p', ...wanted, '60m', '<none>', '<none>', '<none>', '<none>']);
    });
  }

  test('shows addresses, nodes and gates', () => {
    const pod: Pod = {
      metadata: { name: 'p', creationTimestamp: STARTED },
      spec: {
        containers: [],
        nodeName: 'n',
        readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }],
      },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        nominatedNodeName: 'm',
        conditions: [
          { type: 'a', status: 'True' },
          { type: 'b', status: 'False' },
        ],
      },
    };
    assert.deepEqual(podRow(pod, NOW).slice(5), ['10.0.0.1', 'n', 'm', '1/2']);
  });
});
