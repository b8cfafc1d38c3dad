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
  /** Revisions that a watch replays before it lets the event loop go on: about a millisecond. */
  watchReplayRevisions: 500,
} as const;
