import { readFileSync, statSync } from 'node:fs';
import { join, parse as parsePath, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import type { Clock } from '../sdk/clock.ts';
import { ELECTION_TIMES, type ElectionSettings } from '../sdk/leadership.ts';
import type { Logger, LogLevel } from '../sdk/logger.ts';
import type { PluginDefinition } from '../sdk/plugin.ts';
import type { Random } from '../sdk/random.ts';
import { DEFAULT_RELEASE } from '../sdk/release.ts';
import { type Address, isUnspecified, parseAddress } from './address.ts';
import { addressAt, parseCidr, rangesOverlap } from './cidr.ts';
import type { GrantsByName } from './loader/grant-text.ts';
import type { Installation } from './loader/installation.ts';
import type { LoaderEntry } from './loader/loader.ts';
import { LoadError, MANIFEST, readManifest } from './loader/manifest.ts';
import { type Profile, type ProfileEntry, readProfile } from './loader/profile.ts';
import { expandSettings, type Settings } from './loader/settings.ts';
import { EVERY_RELEASE, gitVersion, parseRelease } from './release.ts';

/** What a cluster is made of. Everything has a default. */
export interface ClusterOptions {
  /** Simulated nodes. Default: 3. */
  readonly nodes?: number;
  /**
   * Plugins beside those of the profile: paths of folders or single files, profile entries, or
   * definitions. Who passes one trusts it: it may do with the cluster's objects what it likes,
   * unless its entry has `grants`.
   */
  readonly plugins?: readonly (string | ProfileEntry | PluginDefinition)[];
  /** What plugins given by path may do, by their names, where no entry says it. */
  readonly grants?: GrantsByName;
  /** A profile, or the path of a profile's file, in the default one's place. */
  readonly profile?: string | Profile;
  /**
   * Where plugins run. `inline` (the default): in this thread, but for those of `plugins` that
   * have a placement of their own. `default`: as the profile says, and what was given by path in
   * a confined thread of its own.
   */
  readonly placement?: 'inline' | 'default';
  /** A directory that keeps the cluster between runs. Absent: it lives in memory. */
  readonly data?: string;
  /** URLs of an etcd cluster that keeps the objects. */
  readonly etcd?: readonly string[];
  /**
   * Whether controllers, scheduler and nodes act only while they are elected by a Lease, so that
   * several processes can run on one database; an object changes the times of the elections.
   * Default: with `etcd`, for elsewhere the database lets no second process in.
   */
  readonly leaderElection?: boolean | Partial<ElectionTimes>;
  /** Serve HTTPS at `HOST:PORT` from the start; port 0 is any free one. Default: false. */
  readonly listen?: string | false;
  /** The address that clients are told, where it is not that of `listen`. */
  readonly advertiseAddress?: string;
  /**
   * The release of Kubernetes to be like, `1.20` for example: the version that clients are told
   * and the API versions that are served. Absent: 1.32, with all API versions that we know.
   */
  readonly emulate?: string;
  /** A CSV file of bearer tokens and whose they are: token, user name, user uid, "groups". */
  readonly tokenAuthFile?: string;
  /**
   * An `audit.k8s.io/v1` Policy: which requests are logged, and how much of them. Nothing is
   * logged without it and `auditLogPath`.
   */
  readonly auditPolicyFile?: string;
  /** Where the audit log goes, as JSON lines; `-`: standard output. */
  readonly auditLogPath?: string;
  /** Megabytes after which the audit log is put aside. Default: 0, never. */
  readonly auditLogMaxSize?: number;
  /** Audit logs put aside that are kept. Default: 0, all. */
  readonly auditLogMaxBackup?: number;
  /**
   * What the scheduler goes by: a `KubeSchedulerConfiguration` of `kubescheduler.config.k8s.io`, or
   * a `Policy` of old. Absent: its default profile.
   */
  readonly schedulerConfigFile?: string;
  /**
   * PEM of the private key, RSA or elliptic-curve, that signs the tokens of service accounts.
   * Absent: one of the cluster's own, which lives as long as its data.
   */
  readonly serviceAccountSigningKeyFile?: string;
  /** Addresses of Services. Default: 10.96.0.0/16. */
  readonly serviceCidr?: string;
  /** Addresses of pods. Default: 10.244.0.0/16; 10.128.0.0/9 for more than 250 nodes. */
  readonly podNetworkCidr?: string;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
  /** What goes to standard error, as JSON lines. Default: `warn`. */
  readonly logLevel?: LogLevel | 'silent';
  /** Takes the log in the place of standard error. */
  readonly log?: Logger;
  /**
   * A plugin's thread goes on although it was ended: it is in a call of Node's that cannot be
   * interrupted. Nothing of the plugin reaches the cluster any more, but its memory, and a
   * processor perhaps, are lost until this process ends, and `process.exit()` waits for the
   * thread. Close the cluster and end the process from outside. It cannot happen where plugins
   * are placed in a `process`.
   */
  readonly onStuck?: (error: Error) => void;
}

/** Of kube-controller-manager's flags of these names; its are the defaults: 15, 10 and 2 seconds. */
export type ElectionTimes = Omit<ElectionSettings, 'identity'>;

/** The options checked, with their defaults. */
export interface ClusterPlan {
  readonly entries: readonly LoaderEntry[];
  readonly listen: Address;
  /** The host that clients are told. */
  readonly advertiseHost: string;
  /** Of the Service by which pods reach the server. */
  readonly serviceAddress: string;
  /** Undefined: nobody is elected, and all may act. */
  readonly elections: ElectionTimes | undefined;
}

/** Each node has 256 addresses of its own … */
const NODE_CIDR_MASK_SIZE = 24;

/** … so a /16 has enough for 256 of them, a /9 for 32,768. */
export function defaultPodNetwork(nodes: number): string {
  return nodes > 250 ? '10.128.0.0/9' : '10.244.0.0/16';
}

/** Throws `LoadError` for what the operator must mend. */
export function planCluster(options: ClusterOptions, installation: Installation): ClusterPlan {
  const { nodes = 3, serviceCidr = '10.96.0.0/16' } = options;
  const { podNetworkCidr = defaultPodNetwork(nodes) } = options;
  if (!Number.isInteger(nodes) || nodes < 0 || nodes > NODES_MAX) {
    throw new LoadError(`The number of nodes is ${nodes}: want an integer from 0 to ${NODES_MAX}`);
  }
  if (options.data !== undefined && options.etcd !== undefined) {
    throw new LoadError(
      'Both a data directory and etcd are given: objects are kept in one of them',
    );
  }
  const services = parseCidr(serviceCidr, 'The service CIDR');
  const pods = parseCidr(podNetworkCidr, 'The pod network CIDR');
  if (rangesOverlap(services, pods)) {
    throw new LoadError(
      `The service CIDR ${serviceCidr} and the pod network CIDR ${podNetworkCidr} overlap: ` +
        'choose ranges that have no address in common',
    );
  }
  const listen = parseAddress(options.listen || '127.0.0.1:0', API_PORT);
  const { advertiseAddress } = options;
  const advertiseHost =
    advertiseAddress ?? (isUnspecified(listen.host) ? '127.0.0.1' : listen.host);
  const release = options.emulate === undefined ? undefined : parseRelease(options.emulate);
  const settings: Settings = {
    nodes,
    serviceCidr,
    podNetworkCidr,
    // One node has all of a network that is smaller.
    nodeCidrMaskSize: Math.max(NODE_CIDR_MASK_SIZE, pods.prefix),
    advertiseAddress: advertiseHost,
    advertisePort: listen.port || API_PORT,
    version: gitVersion(release ?? DEFAULT_RELEASE),
    release: release ?? EVERY_RELEASE,
    auditPolicyFile: absolute(options.auditPolicyFile),
    auditLogPath: options.auditLogPath === '-' ? '-' : absolute(options.auditLogPath),
    auditLogMaxSize: options.auditLogMaxSize ?? 0,
    auditLogMaxBackup: options.auditLogMaxBackup ?? 0,
    tokenAuthFile: absolute(options.tokenAuthFile),
    schedulerConfig: contentOf(options.schedulerConfigFile, 'scheduler configuration'),
    serviceAccountSigningKeyFile: absolute(options.serviceAccountSigningKeyFile),
    pkiFolder: options.data === undefined ? '' : pkiFolder(options.data),
  };
  const entries = entriesOf(options, installation, settings);
  const elections = planElections(options);
  return { entries, listen, advertiseHost, serviceAddress: addressAt(services, 1), elections };
}

/** Throws `LoadError` for times with which a leader would lose what it renews. */
function planElections({ leaderElection, etcd }: ClusterOptions): ElectionTimes | undefined {
  const given = leaderElection ?? etcd !== undefined;
  if (!given) return undefined;
  const times = { ...ELECTION_TIMES, ...(given === true ? {} : given) };
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = times;
  if (
    retryPeriodMs > 0 &&
    renewDeadlineMs > 1.2 * retryPeriodMs &&
    leaseDurationMs > renewDeadlineMs
  )
    return times;
  throw new LoadError(
    `Leader election has a lease of ${leaseDurationMs} ms, a renew deadline of ` +
      `${renewDeadlineMs} ms and a retry period of ${retryPeriodMs} ms: want each to be longer ` +
      'than the next, the deadline by a fifth',
  );
}

/** Where the keys of a cluster with a data directory are. */
export function pkiFolder(data: string): string {
  return join(resolve(data), 'pki');
}

/** Settings are never absent: empty is none. */
function absolute(path: string | undefined): string {
  return path === undefined ? '' : resolve(path);
}

/** What is in a YAML file, for plugins that may read none; empty: none. Throws `LoadError`. */
function contentOf(path: string | undefined, what: string): object {
  if (path === undefined) return {};
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8'));
  } catch (cause) {
    const [line] = (cause as Error).message.split('\n', 1);
    throw new LoadError(`Cannot read the ${what} ${path}: ${line}`, { cause });
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
  throw new LoadError(`Cannot read the ${what} ${path}: it is no object`);
}

function entriesOf(
  options: ClusterOptions,
  installation: Installation,
  settings: Settings,
): LoaderEntry[] {
  const { plugins = [], profile, placement = 'inline', grants = {} } = options;
  const base = profileOf(profile, installation).plugins.map(entry =>
    placement === 'inline' ? { ...entry, placement } : entry,
  );
  const entries = withGrants([...base, ...plugins.map(entryOf)], grants).map(entry =>
    entry.config === undefined
      ? entry
      : { ...entry, config: expandSettings(entry.config, settings) },
  );
  return placement === 'inline' ? entries.map(inThisThread) : entries;
}

function profileOf(given: string | Profile | undefined, installation: Installation): Profile {
  if (given === undefined) return installation.profile();
  return typeof given === 'string' ? readProfile(resolve(given)) : given;
}

function withGrants(entries: readonly LoaderEntry[], grants: GrantsByName): LoaderEntry[] {
  const unknown = new Set(Object.keys(grants));
  const granted = entries.map(entry => {
    const name = nameOf(entry);
    unknown.delete(name);
    const given = entry.grants ?? grants[name];
    return given === undefined ? entry : { ...entry, grants: given };
  });
  const [name] = unknown;
  if (name === undefined) return granted;
  const known = entries.map(nameOf).join(', ');
  throw new LoadError(`Something is granted to "${name}": there are only the plugins ${known}`);
}

/** What the loader will call it; throws `LoadError`. */
function nameOf(entry: LoaderEntry): string {
  if ('definition' in entry) return entry.definition.name;
  const { name, path, package: packageName } = entry;
  if (name !== undefined || path === undefined) return name ?? packageName ?? '';
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? readManifest(join(path, MANIFEST)).name : parsePath(path).name;
}

/** Code in this thread can do what the program can: refusing it objects would protect nothing. */
function inThisThread(entry: LoaderEntry): LoaderEntry {
  const { placement = 'inline', grants } = entry;
  const isOthers = 'definition' in entry || entry.name === undefined;
  if (placement !== 'inline' || !isOthers || grants !== undefined) return { ...entry, placement };
  return { ...entry, placement, grants: EVERY_OBJECT };
}

function entryOf(plugin: string | ProfileEntry | PluginDefinition): LoaderEntry {
  if (typeof plugin === 'string') return { path: resolve(plugin) };
  if ('activate' in plugin) return { definition: plugin };
  return plugin.path === undefined ? plugin : { ...plugin, path: resolve(plugin.path) };
}

/** Upstream's own bound is 5,000; a simulation may want to look beyond. */
const NODES_MAX = 100_000;
export const API_PORT = 6_443;
const EVERY_OBJECT = { objects: [{ groups: ['*'], resources: ['*'], verbs: ['*'] }] };
