/** In what a server differs from the recorded one on purpose. */
export interface Differences {
  /** Recordings about kinds that are not served, with the reason. */
  readonly notServed: Readonly<Record<string, string>>;
  /** Answers: what is wanted instead, and why. */
  readonly errors: Readonly<
    Record<string, { readonly why: string; readonly wanted: Readonly<Record<string, unknown>> }>
  >;
  /** Answers whose free text differs, with the reason. */
  readonly texts: Readonly<Record<string, string>>;
  /** Fields, wherever they are. */
  readonly everywhere: readonly { readonly pattern: RegExp; readonly why: string }[];
  /** Fields, by recording. */
  readonly defaults: Readonly<Record<string, readonly Difference[]>>;
}

interface Difference {
  readonly fields: readonly string[];
  readonly why: string;
}

const JOB_UID: Difference = {
  fields: ['controller-uid', 'batch.kubernetes.io/controller-uid'].flatMap(label => [
    `metadata.labels.${label}`,
    `spec.template.metadata.labels.${label}`,
    `spec.selector.matchLabels.${label}`,
  ]),
  why: 'every Job has a uid of its own',
};

const NODE_PORT: Difference = { fields: ['spec.ports[0].nodePort'], why: 'drawn at random' };

const VALUE = 'newer servers show values as JSON has them, not as Go writes them';
const PARSER = 'what reads JSON, and shows where it stopped, is another';
/** Free text follows the newest release where upstream changed it. */
const TEXTS = {
  'bad-quantity': PARSER,
  'bad-surge': VALUE,
  'ingress-no-backend': `${VALUE}, and name the group that was asked for`,
  'limit-below-request': 'newer servers say what the limit is',
  'no-selector': VALUE,
  'selector-mismatch': VALUE,
  'toleration-bad': VALUE,
  'wrong-kind': 'upstream names the Go types that it cannot convert',
  'wrong-type': PARSER,
};

/** A server that emulates the recorded one differs only in what is drawn, and in free text. */
export const EMULATED: Differences = {
  notServed: {},
  errors: {},
  texts: TEXTS,
  everywhere: [],
  defaults: { job: [JOB_UID], 'service-lb': [NODE_PORT] },
};

const TOKEN =
  'a volume is projected since v1.21; before, the secret that the account got was mounted';
const TOKEN_VOLUME: Difference = {
  fields: ['spec.volumes[0]', 'spec.containers[0].volumeMounts[0].name'],
  why: TOKEN,
};
const PODS: Readonly<Record<string, readonly Difference[]>> = {
  'pod-hostnetwork': [TOKEN_VOLUME],
  'pod-minimal': [TOKEN_VOLUME],
  'pod-probes': [
    { fields: ['spec.volumes[4]', 'spec.containers[0].volumeMounts[0].name'], why: TOKEN },
  ],
};

const ADDRESSES: Difference = {
  fields: ['spec.clusterIP', 'spec.clusterIPs'],
  why: 'a dry run of v1.20 allocated none',
};
const FAMILIES: Difference = {
  fields: ['spec.ipFamilies', 'spec.ipFamilyPolicy'],
  why: 'v1.20 served one family',
};
const INTERNAL_POLICY: Difference = {
  fields: ['spec.internalTrafficPolicy'],
  why: 'defaulted since v1.22',
};

/** The plain server. */
export const NEWEST: Differences = {
  notServed: {},
  errors: {
    'clusterip-out-of-range': {
      why: 'a dry run of v1.20 did not look at addresses; newer servers do',
      wanted: { code: 422, reason: 'Invalid', causes: [['FieldValueInvalid', 'spec.clusterIPs']] },
    },
    'nodeport-out-of-range': {
      why: 'a dry run of v1.20 did not look at ports; newer servers do',
      wanted: {
        code: 422,
        reason: 'Invalid',
        causes: [['FieldValueInvalid', 'spec.ports[0].nodePort']],
      },
    },
  },
  texts: TEXTS,
  everywhere: [
    {
      pattern: /[tT]emplates?(\[\d+\])?\.metadata(\.creationTimestamp)?$/,
      why: 'v1.20 wrote a null creationTimestamp into templates; newer servers leave it out',
    },
  ],
  defaults: {
    ...PODS,
    daemonset: [
      { fields: ['spec.updateStrategy.rollingUpdate.maxSurge'], why: 'defaulted since v1.22' },
    ],
    job: [
      JOB_UID,
      {
        fields: [
          'metadata.labels.batch.kubernetes.io/job-name',
          'spec.template.metadata.labels.batch.kubernetes.io/job-name',
        ],
        why: 'labels with a prefix are set since v1.27',
      },
      {
        fields: ['spec.completionMode', 'spec.suspend', 'spec.podReplacementPolicy'],
        why: 'defaulted since v1.22, v1.22 and v1.29',
      },
      { fields: ['spec.manualSelector'], why: 'defaulted by newer servers' },
    ],
    namespace: [{ fields: ['metadata.labels'], why: 'kubernetes.io/metadata.name since v1.21' }],
    pv: [{ fields: ['status.lastPhaseTransitionTime'], why: 'set since v1.29' }],
    'service-clusterip': [ADDRESSES, FAMILIES, INTERNAL_POLICY],
    'service-headless': [FAMILIES, INTERNAL_POLICY],
    'service-lb': [
      ADDRESSES,
      FAMILIES,
      INTERNAL_POLICY,
      { fields: ['spec.allocateLoadBalancerNodePorts'], why: 'defaulted since v1.22' },
      NODE_PORT,
    ],
    'service-nodeport': [ADDRESSES, FAMILIES, INTERNAL_POLICY],
    statefulset: [
      {
        fields: ['spec.persistentVolumeClaimRetentionPolicy', 'status.availableReplicas'],
        why: 'defaulted since v1.27, written since v1.22',
      },
    ],
  },
};
