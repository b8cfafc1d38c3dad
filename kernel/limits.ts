/**
 * Every bound of the kernel, each with its reason. Names carry the unit last.
 */
export const Limits = {
  /** Transactions in one group commit. More only delays the first one's acknowledgement. */
  commitBatchMax: 1_000,
  /** Changes that the watch bus keeps, so that a watch can start from an older revision. */
  busWindowEvents: 20_000,
} as const;
