/** Bounds of the scheduler, with their reasons. */

/** A failed pod waits this long before its second attempt, doubling: upstream's. */
export const BACKOFF_MS_MIN = 1_000;
export const BACKOFF_MS_MAX = 10_000;
/** A pod that no event woke is tried again after this long: upstream's. */
export const UNSCHEDULABLE_MS_MAX = 300_000;
export const UNSCHEDULABLE_CHECK_MS = 30_000;

/** Bindings in one message: larger gains nothing, smaller costs round trips. */
export const BIND_BATCH_MAX = 256;
/** Pods on their way to be bound; scheduling pauses beyond, so a slow server is not flooded. */
export const BINDINGS_IN_FLIGHT_MAX = 4_096;

/** The scheduler gives its thread to others after so many pods or milliseconds. */
export const SLICE_PODS_MAX = 512;
export const SLICE_MS_MAX = 10;

/** Pods whose nodes a plugin in another thread sees in one message. */
export const REMOTE_BATCH_PODS_MAX = 128;
/** Pods times nodes in one message: keeps question and answer to some megabytes. */
export const REMOTE_BATCH_PAIRS_MAX = 400_000;
/** Changed nodes in one message, each some kilobytes with its images. */
export const REMOTE_NODES_MAX = 500;

/** A call into another thread ends after 30 s: whoever waits longer for a permit asks anew before. */
export const REMOTE_HELD_ASK_MS = 10_000;

/** Pods that a plugin in another thread hears about in one message before they enter the queue. */
export const REMOTE_GATE_PODS_MAX = 1_000;
/** A plugin there that could not be heard is asked anew after this long. */
export const REMOTE_GATE_RETRY_MS = 5_000;
/** Pods that wait in an order of another thread's; beyond, the oldest count as equal. */
export const REMOTE_RANKS_MAX = 200_000;

/** Shapes of pods with kept results: at 5,000 nodes one takes about 200 kB. */
export const SHAPES_MAX = 64;
/** Shapes that came once: only their names, some hundred bytes each. */
export const SHAPES_SEEN_MAX = 1_024;

/** How long plugins of the profile may be missing after a change before pods fail for it. */
export const PLUGIN_GRACE_MS = 10_000;

/**
 * For an optional plugin, since the last one came: those of one profile come within fractions of a
 * second of each other, and a cluster that goes without is not to start much later for it.
 */
export const OPTIONAL_GRACE_MS = 2_000;

/** Below this many nodes all are looked at: upstream's. */
export const FEASIBLE_NODES_MIN = 100;
export const FEASIBLE_PERCENT_MIN = 5;

/** How often the figures tell how many pods wait. */
export const PENDING_PODS_MS = 1_000;

/** The same failure of another pod is not logged again for this long. */
export const REPEAT_LOG_MS = 5_000;

/** Scores kept of attempts: at 5,000 nodes a plain pod takes about 1,000 bytes. */
export const RECORD_BYTES_MAX = 1 << 21;
/** Those that are no whole numbers up to 100, 8 bytes each. */
export const RECORD_NUMBERS_MAX = 1 << 19;
/** Placed pods whose attempts are remembered. */
export const RECORDED_PODS_MAX = 512;
/** The last attempts of one pod. */
export const RECORDED_ATTEMPTS_MAX = 4;

/** What happened while pods were tried is kept up to so much: beyond, all count as concerned. */
export const IN_FLIGHT_EVENTS_MAX = 16_384;

/** How long making room for one pod may take; others that need room wait behind it. */
export const POST_FILTER_MS_MAX = 30_000;
/** How long a pod may be held between the choice of its node and its binding: upstream's. */
export const LATE_POINT_MS_MAX = 900_000;
/** An answer of a binder that takes longer is lost; the API tells whether the pod was bound. */
export const BIND_MS_MAX = 60_000;
