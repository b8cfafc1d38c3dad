import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { parseGoDuration } from '../../sdk/go-duration.ts';
import { systemClock } from '../clock.ts';
import { type Cluster, type ClusterOptions, createCluster, LoadError } from '../cluster.ts';
import { defaultPodNetwork } from '../cluster-options.ts';
import { parseGrants } from '../loader/grant-text.ts';
import { VERSION } from '../version.ts';
import { describe, reportFailure } from './failure.ts';
import { exitNow, StuckHost } from './stuck-host.ts';

interface UpOptions {
  readonly listen: string;
  readonly advertiseAddress?: string;
  readonly serviceCidr: string;
  readonly podNetworkCidr?: string;
  readonly data?: string;
  readonly memory?: boolean;
  readonly etcd: readonly string[];
  readonly leaderElect?: boolean;
  readonly leaderElectLeaseDuration?: number;
  readonly leaderElectRenewDeadline?: number;
  readonly leaderElectRetryPeriod?: number;
  readonly kubeconfig?: string;
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxsize: number;
  readonly auditLogMaxbackup: number;
  readonly tokenAuthFile?: string;
  readonly serviceAccountSigningKeyFile?: string;
  readonly schedulerConfig?: string;
  readonly nodes: number;
  readonly plugin: readonly string[];
  readonly grant: readonly string[];
  readonly profile?: string;
  readonly emulate?: string;
  readonly apply: readonly string[];
  readonly quiet?: boolean;
}

/** `kernetes up`: a cluster until it is told to stop. */
export function addUp(program: Command): void {
  program
    .command('up')
    .description('run a cluster until SIGINT or SIGTERM')
    .option('--listen <host:port>', 'where to serve HTTPS', '127.0.0.1:6443')
    .option('--advertise-address <ip>', 'address that clients are told (default: that of --listen)')
    .option('--emulate <version>', 'be like this release of Kubernetes: 1.20 and later')
    .option('--service-cidr <cidr>', 'addresses of services', '10.96.0.0/16')
    .option(
      '--pod-network-cidr <cidr>',
      'addresses of pods (default: 10.244.0.0/16, 10.128.0.0/9 for more than 250 nodes)',
    )
    .option('--data <dir>', 'keep the cluster in this directory (default: .kernetes)')
    .option('--memory', 'keep the cluster in memory only')
    .option('--etcd <url>', 'keep the objects in this etcd, repeatable', collect, [])
    .option(
      '--leader-elect [boolean]',
      'act only while elected, for several processes on one etcd (default: with --etcd)',
      toBoolean,
    )
    .option('--leader-elect-lease-duration <duration>', 'default: 15s', toDuration)
    .option('--leader-elect-renew-deadline <duration>', 'default: 10s', toDuration)
    .option('--leader-elect-retry-period <duration>', 'default: 2s', toDuration)
    .option('--kubeconfig <file>', 'where to write the kubeconfig (default: <data>/kubeconfig)')
    .option('--nodes <n>', 'simulated nodes', toInteger, 3)
    .option('--audit-policy-file <file>', 'which requests are logged: a Policy of audit.k8s.io/v1')
    .option('--audit-log-path <file>', 'where they are logged, - for standard output')
    .option(
      '--audit-log-maxsize <mb>',
      'size at which that log is put aside, 0: never',
      toInteger,
      0,
    )
    .option('--audit-log-maxbackup <n>', 'logs put aside that are kept, 0: all', toInteger, 0)
    .option('--token-auth-file <file>', 'bearer tokens: CSV of token, user, uid, "groups"')
    .option(
      '--service-account-signing-key-file <file>',
      "private key for service accounts' tokens (default: <data>/pki/sa.key)",
    )
    .option(
      '--scheduler-config <file>',
      'what the scheduler goes by: a KubeSchedulerConfiguration, or a Policy of old',
    )
    .option('--plugin <path>', 'also load this folder or file, repeatable', collect, [])
    .option(
      '--grant <name[:objects=VERBS@GROUP/RESOURCE]>',
      'give a plugin what its manifest asks for, or the rights named, repeatable',
      collect,
      [],
    )
    .option('--profile <file>', "the plugins to load instead of the default profile's")
    .option('--apply <file>', 'apply this manifest when ready, repeatable', collect, [])
    .option('--quiet', 'print nothing but failures')
    .action(up);
}

/** Resolves when the cluster has stopped. */
async function up(options: UpOptions): Promise<void> {
  const say = options.quiet ? () => {} : (line: string) => void process.stdout.write(`${line}\n`);
  const stop = stopSignal();
  const data = dataOf(options);
  const kubeconfig = options.kubeconfig ?? join(data ?? DATA_FOLDER, 'kubeconfig');
  for (const line of describePlan(options, data)) say(line);
  const stuck = new StuckHost();
  try {
    const cluster = await start(options, data, error => stuck.report(error));
    try {
      await cluster.kubeconfig(kubeconfig);
      const ms = Math.round(systemClock().monotonic());
      say(`ready in ${ms} ms: ${cluster.server} (export KUBECONFIG=${relativePath(kubeconfig)})`);
      for (const file of options.apply) await applyFile(cluster, file, say);
      await Promise.race([stop, stuck.reported]);
    } finally {
      await cluster.close();
    }
  } finally {
    stuck.endProcess();
  }
  say('stopped');
}

function start(
  options: UpOptions,
  data: string | undefined,
  onStuck: (error: Error) => void,
): Promise<Cluster> {
  const { listen, nodes, serviceCidr, profile, advertiseAddress, etcd } = options;
  const { tokenAuthFile, serviceAccountSigningKeyFile, auditPolicyFile, auditLogPath } = options;
  return createCluster({
    listen,
    nodes,
    serviceCidr,
    podNetworkCidr: podNetworkOf(options),
    placement: 'default',
    onStuck,
    plugins: options.plugin,
    grants: parseGrants(options.grant),
    ...(data !== undefined && { data }),
    ...(etcd.length > 0 && { etcd }),
    ...(profile !== undefined && { profile }),
    ...(advertiseAddress !== undefined && { advertiseAddress }),
    ...(auditPolicyFile !== undefined && { auditPolicyFile }),
    ...(auditLogPath !== undefined && { auditLogPath }),
    auditLogMaxSize: options.auditLogMaxsize,
    auditLogMaxBackup: options.auditLogMaxbackup,
    ...(tokenAuthFile !== undefined && { tokenAuthFile }),
    ...(serviceAccountSigningKeyFile !== undefined && { serviceAccountSigningKeyFile }),
    ...(options.schedulerConfig && { schedulerConfigFile: options.schedulerConfig }),
    ...(options.emulate !== undefined && { emulate: options.emulate }),
    ...electionOf(options),
  });
}

function electionOf(options: UpOptions): Pick<ClusterOptions, 'leaderElection'> {
  const {
    leaderElect = options.etcd.length > 0,
    leaderElectLeaseDuration: leaseDurationMs,
    leaderElectRenewDeadline: renewDeadlineMs,
    leaderElectRetryPeriod: retryPeriodMs,
  } = options;
  if (!leaderElect) return { leaderElection: false };
  return {
    leaderElection: {
      ...(leaseDurationMs !== undefined && { leaseDurationMs }),
      ...(renewDeadlineMs !== undefined && { renewDeadlineMs }),
      ...(retryPeriodMs !== undefined && { retryPeriodMs }),
    },
  };
}

/** Undefined: nothing is kept. */
function dataOf({ data, memory, etcd }: UpOptions): string | undefined {
  const given = [data && '--data', memory && '--memory', etcd.length > 0 && '--etcd'].filter(
    Boolean,
  );
  if (given.length > 1) {
    throw new LoadError(`${given.join(' and ')} are given: the cluster is kept in one place`);
  }
  return given.length > 0 ? data : DATA_FOLDER;
}

function describePlan(options: UpOptions, data: string | undefined): string[] {
  const { etcd, profile, plugin, nodes, serviceCidr } = options;
  const storage = data === undefined ? 'memory' : `${relativePath(data)} (LMDB)`;
  const plugins = [profile ?? 'the default profile', ...plugin];
  return [
    `kernetes ${VERSION}`,
    `  objects in ${etcd.length > 0 ? `etcd at ${etcd.join(', ')}` : storage}`,
    `  plugins of ${plugins.join(', ')}`,
    `  ${nodes} simulated nodes, pods in ${podNetworkOf(options)}, services in ${serviceCidr}`,
  ];
}

function podNetworkOf({ podNetworkCidr, nodes }: UpOptions): string {
  return podNetworkCidr ?? defaultPodNetwork(nodes);
}

/** A manifest that cannot be applied is told; the cluster goes on. */
async function applyFile(cluster: Cluster, file: string, say: (line: string) => void) {
  try {
    const applied = await cluster.apply(await readFile(file, 'utf8'));
    for (const { kind, metadata } of applied) say(`applied ${kind} ${metadata.name}`);
  } catch (error) {
    reportFailure(new Error(`Cannot apply ${file}: ${describe(error)}`, { cause: error }));
  }
}

/** Resolves at the first SIGINT or SIGTERM; from then on the process ends in time. */
function stopSignal(): Promise<void> {
  return new Promise(resolve => {
    const onSignal = () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      // What was acknowledged is on disk: nothing is lost by a plugin that does not end.
      systemClock()
        .setTimeout(() => exitNow(0), STOP_TIMEOUT_MS)
        .unref();
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function toInteger(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('want an integer');
  return Number(text);
}

function toBoolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('want true or false');
  return text === 'true';
}

/** In milliseconds. */
function toDuration(text: string): number {
  const nanoseconds = parseGoDuration(text);
  if (nanoseconds === undefined) throw new InvalidArgumentError('want a duration as 15s or 1m30s');
  return Number(nanoseconds) / 1e6;
}

function relativePath(path: string): string {
  const fromHere = relative('', resolve(path));
  return fromHere.startsWith('..') ? resolve(path) : fromHere || '.';
}

const DATA_FOLDER = '.kernetes';
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** With the end of the process, also of one that has to be killed, it makes two seconds. */
const STOP_TIMEOUT_MS = 1_500;
