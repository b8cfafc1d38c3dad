/** Every bound of plugin hosts, each with its reason. Names carry the unit last. */
export const PoolLimits = {
  /** One frame from a plugin: ten of the largest objects that a store takes (1.5 MiB each). */
  frameBytesMax: 16 * 1024 * 1024,
  /** Any frame on a process's pipe: the start holds a bundle, an initial list may be long. */
  pipeFrameBytesMax: 256 * 1024 * 1024,
  /** Nesting in a frame: far more than any object has, far less than what overflows a stack. */
  frameDepthMax: 500,
  /** Requests in one message: what one group commit takes. */
  requestsPerMessageMax: 1_000,
  /** Requests of a plugin that are not answered yet; an honest one waits for answers. */
  requestsPendingMax: 10_000,
  watchesMax: 1_000,
  contributionsMax: 1_000,
  subscriptionsMax: 1_000,
  callsPendingMax: 10_000,
  /** An answer to a call into a plugin: the longest that upstream lets a webhook take. */
  callTimeoutMs: 30_000,
  /** Shorter arguments of calls between plugins do as well in a message. */
  sharedCallBytesMin: 16 * 1024,
  /** Plugins with whom one shares memory: each of its pages that is used stays. */
  callMemoriesMax: 16,
  /** Brokered connections, fetches and programs of a plugin, open at one time. */
  resourcesMax: 100,
  /** A bounded answer or output that a brokered resource may hold unread. */
  resourceUnreadBytesMax: 1024 * 1024,
  /** Redirects of a brokered fetch; the Fetch standard's own bound. */
  redirectsMax: 20,
  /** Names, methods, short texts in a message. */
  textLengthMax: 1_024,
  /** A log line's message, an error's message or stack. */
  logLengthMax: 64 * 1024,
  /** Log lines of a plugin within `logWindowMs`; more are counted and dropped. */
  logLinesMax: 1_000,
  logWindowMs: 1_000,
  /** Metrics are gathered so long before they are told: who reads them does so every 15 s. */
  metricsIntervalMs: 100,
  /** Of a plugin, with different labels, and observations of one: then they are told at once. */
  metricsHeldMax: 1_000,
  /** Messages that break the rules before the host is ended: a bug shows itself, an attack ends. */
  badMessagesMax: 10,
  /** Event bytes sent and not acknowledged: then the kernel keeps them back. */
  watchUnackedBytesMax: 4 * 1024 * 1024,
  /**
   * Events that come within this time after others of a plugin go in one frame: a frame costs both
   * threads more than an event in it. One that comes alone does not wait.
   */
  eventsIntervalMs: 4,
  /**
   * Event bytes kept back: then the watch is closed; its informer lists anew. They are views of
   * what the store keeps anyway, and a first list of everything must fit.
   */
  watchHeldBytesMax: 256 * 1024 * 1024,
  /** `terminate()` ends a thread in milliseconds unless a built-in cannot be interrupted. */
  terminateTimeoutMs: 5_000,
  /** From the start of the thread or process until its script stands. */
  startTimeoutMs: 30_000,
  /** A plugin's disposers, when it is unloaded. */
  deactivateTimeoutMs: 5_000,
  /** Pings that may go unanswered before a host counts as hung. */
  heartbeatsMissedMax: 3,
  /** The resident memory that a process host has beside the plugin's heap limit. */
  processBaseMb: 160,
  /** Buffers can grow by a gigabyte a second; looking costs some microseconds. */
  residentCheckMs: 100,
  /** First wait before a host is started again; doubled each time. */
  restartBackoffMinMs: 1_000,
  /** As the kubelet's bound for containers. */
  restartBackoffMaxMs: 300_000,
  /** A host that ran so long starts at the first wait again; the kubelet's figure too. */
  restartBackoffResetMs: 600_000,
} as const;
