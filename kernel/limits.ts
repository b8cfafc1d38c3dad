/**
 * Every bound of the kernel, each with its reason. Names carry the unit last.
 */
export const Limits = {
  /** Transactions in one group commit. More only delays the first one's acknowledgement. */
  commitBatchMax: 1_000,
  /** Changes that the watch bus keeps, so that a watch can start from an older revision. */
  busWindowEvents: 20_000,
  /** Comparisons, and operations, in one transaction: etcd's own default. */
  transactionOperationsMax: 128,
  /** A storage key: more than twice the longest that Kubernetes' names allow, less than LMDB's. */
  keyLengthMax: 1_536,
  /** Changes that one step of a compaction looks at; more only delays the commits behind it. */
  compactionSliceChanges: 1_000,
  /** Revisions that a watch replays before it lets the event loop go on: about a millisecond. */
  watchReplayRevisions: 500,
  /** And the bytes of the objects that they hold on to. */
  busWindowBytes: 64 * 1024 * 1024,
  /** Objects kept decoded: the working set of the controllers in a busy cluster, about 20 MB. */
  decodedObjectsMax: 4_096,
  /** Revisions that the database keeps for restarts and lists at an older revision. */
  historyRevisions: 10_000,
  /**
   * How often a write that lost a race with another is tried again. In each round somebody wins;
   * upstream tries until the request's time is up.
   */
  writeAttemptsMax: 100,
  /** Objects of one deletecollection that are deleted at a time: enough to fill a group commit. */
  deleteCollectionWorkers: 64,
  /** Names drawn for a generateName before AlreadyExists is told, as upstream does. */
  generateNameAttemptsMax: 8,
  /** Bytes of initial events that a watch hands over at once. */
  watchInitialChunkBytes: 256 * 1024,
  /** Between two bookmarks on a quiet watch: upstream sends them about once a minute. */
  bookmarkIntervalMs: 60_000,
  /** Before the end of a watch there is another bookmark: upstream's two seconds. */
  bookmarkBeforeEndMs: 2_000,
  /** How long a list or get waits for a revision that is not there yet, as upstream does. */
  freshnessTimeoutMs: 3_000,
  /** Where the newest states of keys are in the database: of what is written again soon, 1 MB. */
  recentPointersMax: 4_096,
  /** Keys in one answer of etcd: a page of large objects is some ten megabytes. */
  etcdPageKeys: 1_000,
  /** A request to etcd, with its flush; a member that takes longer is taken for lost. */
  etcdRequestMs: 5_000,
  /** Attempts of a read: enough to outlast the choice of a new leader, with the pauses below. */
  etcdReadAttempts: 5,
  /** The first pause before another attempt at etcd; it doubles each time. */
  etcdBackoffMs: 100,
  /** The longest of these pauses: a member that is back is used within this time. */
  etcdBackoffMaxMs: 5_000,
  /** Silence before a connection to etcd is probed; etcd refuses less than five seconds. */
  etcdKeepaliveMs: 10_000,
  /** A plugin that is not active by then is broken: the slowest built-in one takes 100 ms. */
  activateTimeoutMs: 10_000,
  /** Heap of a thread of built-in plugins: 50,000 pods in the scheduler's cache take a third. */
  builtinHeapMb: 2_048,
  /** Heap of a thread or process of somebody else's plugins. */
  hostHeapMb: 256,
  /** Between two heartbeats of a host; after three that are not answered it is ended. */
  hostHeartbeatMs: 2_000,
} as const;
