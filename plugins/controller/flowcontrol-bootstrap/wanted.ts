import type { FlowSchema, flowcontrolV1, PriorityLevelConfiguration } from 'kernetes/sdk';

type Rules = flowcontrolV1.PolicyRulesWithSubjects;
type Subject = flowcontrolV1.Subject;

/** Whose objects these are: they follow the release until somebody says otherwise. */
export const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec';

export function wantedLevels(): PriorityLevelConfiguration[] {
  return [
    level('exempt', {
      type: 'Exempt',
      exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 },
    }),
    level('catch-all', {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 5,
        lendablePercent: 0,
        limitResponse: { type: 'Reject' },
      },
    }),
    queued('system', { shares: 30, lendable: 33, queues: 64, hand: 6 }),
    queued('node-high', { shares: 40, lendable: 25, queues: 64, hand: 6 }),
    queued('leader-election', { shares: 10, lendable: 0, queues: 16, hand: 4 }),
    queued('workload-high', { shares: 40, lendable: 50, queues: 128, hand: 6 }),
    queued('workload-low', { shares: 100, lendable: 90, queues: 128, hand: 6 }),
    queued('global-default', { shares: 20, lendable: 50, queues: 128, hand: 6 }),
  ];
}

export function wantedFlows(): FlowSchema[] {
  const everybody = groups('system:unauthenticated', 'system:authenticated');
  const manager = user('system:kube-controller-manager');
  const scheduler = user('system:kube-scheduler');
  const systemAccounts = account('*');
  const leases = resources(['get', 'create', 'update'], COORDINATION, ['leases']);
  const endpoints = resources(['get', 'create', 'update'], '', ['endpoints']);
  const nodes = { ...resources(['*'], '', ['nodes', 'nodes/status']), clusterScope: true };
  const nodeLeases = resources(['*'], COORDINATION, ['leases']);
  const healthz = { verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] };
  const endpointControllers = [
    manager,
    account('endpoint-controller'),
    account('endpointslicemirroring-controller'),
  ];
  const leaders = [manager, scheduler, systemAccounts];
  return [
    flow('exempt', ['exempt', 1], all(groups('system:masters'))),
    flow('probes', ['exempt', 2], { subjects: everybody, nonResourceRules: [healthz] }),
    flow('system-leader-election', ['leader-election', 100, 'ByUser'], {
      subjects: leaders,
      resourceRules: [leases],
    }),
    flow('endpoint-controller', ['workload-high', 150, 'ByUser'], {
      subjects: endpointControllers,
      resourceRules: [endpoints],
    }),
    flow('workload-leader-election', ['leader-election', 200, 'ByUser'], {
      subjects: [systemAccounts],
      resourceRules: [leases],
    }),
    flow('system-node-high', ['node-high', 400, 'ByUser'], {
      subjects: groups('system:nodes'),
      resourceRules: [nodes, nodeLeases],
    }),
    flow('system-nodes', ['system', 500, 'ByUser'], all(groups('system:nodes'))),
    flow('kube-controller-manager', ['workload-high', 800, 'ByNamespace'], all([manager])),
    flow('kube-scheduler', ['workload-high', 800, 'ByNamespace'], all([scheduler])),
    flow(
      'kube-system-service-accounts',
      ['workload-high', 900, 'ByNamespace'],
      all([systemAccounts]),
    ),
    flow(
      'service-accounts',
      ['workload-low', 9_000, 'ByUser'],
      all(groups('system:serviceaccounts')),
    ),
    flow('global-default', ['global-default', 9_900, 'ByUser'], all(everybody)),
    flow('catch-all', ['catch-all', 10_000, 'ByUser'], all(everybody)),
  ];
}

const COORDINATION = 'coordination.k8s.io';
const QUEUE_LENGTH = 50;

interface Queues {
  readonly shares: number;
  readonly lendable: number;
  readonly queues: number;
  readonly hand: number;
}

function queued(name: string, { shares, lendable, queues, hand }: Queues) {
  const queuing = { queues, handSize: hand, queueLengthLimit: QUEUE_LENGTH };
  return level(name, {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      lendablePercent: lendable,
      limitResponse: { type: 'Queue', queuing },
    },
  });
}

function level(
  name: string,
  spec: flowcontrolV1.PriorityLevelConfigurationSpec,
): PriorityLevelConfiguration {
  return { metadata: { name, annotations: { [AUTO_UPDATE]: 'true' } }, spec };
}

function flow(
  name: string,
  [to, matchingPrecedence, by]: readonly [level: string, precedence: number, by?: string],
  rules: Rules,
): FlowSchema {
  return {
    metadata: { name, annotations: { [AUTO_UPDATE]: 'true' } },
    spec: {
      priorityLevelConfiguration: { name: to },
      matchingPrecedence,
      ...(by !== undefined && { distinguisherMethod: { type: by } }),
      rules: [rules],
    },
  };
}

function all(subjects: Subject[]): Rules {
  return {
    subjects,
    resourceRules: [{ ...resources(['*'], '*', ['*']), clusterScope: true }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  };
}

function resources(verbs: string[], group: string, names: string[]) {
  return { verbs, apiGroups: [group], resources: names, namespaces: ['*'] };
}

function groups(...names: string[]): Subject[] {
  return names.map(name => ({ kind: 'Group', group: { name } }));
}

function user(name: string): Subject {
  return { kind: 'User', user: { name } };
}

function account(name: string): Subject {
  return { kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } };
}
