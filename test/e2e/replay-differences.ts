/** Recordings about kinds that are not served yet, with the reason. */
export const NOT_SERVED: Readonly<Record<string, string>> = {};

/** Answers that differ on purpose: what is wanted instead, and why. */
export const ERRORS_DIFFER: Readonly<
  Record<string, { readonly why: string; readonly wanted: Readonly<Record<string, unknown>> }>
> = {
  'clusterip-out-of-range': {
    why: 'a dry run of v1.20 did not look at addresses; newer servers do',
    wanted: {
      code: 422,
      reason: 'Invalid',
      causes: [['FieldValueInvalid', 'spec.clusterIPs']],
    },
  },
  'nodeport-out-of-range': {
    why: 'a dry run of v1.20 did not look at ports; newer servers do',
    wanted: {
      code: 422,
      reason: 'Invalid',
      causes: [['FieldValueInvalid', 'spec.ports[0].nodePort']],
    },
  },
};

/** Fields that differ from the recorded server wherever they are. */
export const DIFFERS_EVERYWHERE: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  {
    pattern: /[tT]emplates?(\[\d+\])?\.metadata(\.creationTimestamp)?$/,
    why: 'v1.20 wrote a null creationTimestamp into templates; newer servers leave it out',
  },
];

interface Difference {
  readonly fields: readonly string[];
  readonly why: string;
}

const TOKEN_VOLUME: Difference = {
  fields: ['spec.volumes[0]', 'spec.containers[0].volumeMounts[0].name'],
  why: 'v1.20 mounted a secret; since v1.22 the volume is projected, and its name drawn at random',
};

const SERVICE_ADDRESSES: Difference = {
  fields: ['spec.clusterIP', 'spec.clusterIPs', 'spec.ipFamilies', 'spec.ipFamilyPolicy'],
  why: 'a dry run of v1.20 allocated no addresses, and it served one family; newer servers do both',
};

const INTERNAL_POLICY: Difference = {
  fields: ['spec.internalTrafficPolicy'],
  why: 'defaulted since v1.22',
};

const ADDED_LABELS: Difference = {
  fields: ['metadata.labels', 'spec.template.metadata.labels', 'spec.selector.matchLabels'],
  why: 'they carry the uid; since v1.27 both prefixed and plain labels are set',
};

/** Fields in which we differ from the recorded server, by recording. */
export const DEFAULTS_DIFFER: Readonly<Record<string, readonly Difference[]>> = {
  daemonset: [
    { fields: ['spec.updateStrategy.rollingUpdate.maxSurge'], why: 'defaulted since v1.21' },
  ],
  'hpa-v2beta2': [
    {
      fields: ['status.conditions', 'status.currentMetrics'],
      why: 'null in v1.20, absent in newer versions',
    },
  ],
  job: [
    ADDED_LABELS,
    {
      fields: ['spec.completionMode', 'spec.suspend', 'spec.podReplacementPolicy'],
      why: 'defaulted since v1.21, v1.21 and v1.34',
    },
    { fields: ['spec.manualSelector'], why: 'defaulted by newer servers' },
  ],
  namespace: [{ fields: ['metadata.labels'], why: 'kubernetes.io/metadata.name since v1.21' }],
  'pod-hostnetwork': [TOKEN_VOLUME],
  'pod-minimal': [TOKEN_VOLUME],
  'pod-probes': [
    {
      fields: ['spec.volumes[4]', 'spec.containers[0].volumeMounts[0].name'],
      why: TOKEN_VOLUME.why,
    },
  ],
  pv: [{ fields: ['status.lastPhaseTransitionTime'], why: 'set since v1.28' }],
  'service-clusterip': [SERVICE_ADDRESSES, INTERNAL_POLICY],
  'service-headless': [SERVICE_ADDRESSES, INTERNAL_POLICY],
  'service-lb': [
    SERVICE_ADDRESSES,
    INTERNAL_POLICY,
    { fields: ['spec.allocateLoadBalancerNodePorts'], why: 'defaulted since v1.22' },
    { fields: ['spec.ports[0].nodePort'], why: 'drawn at random' },
  ],
  'service-nodeport': [SERVICE_ADDRESSES, INTERNAL_POLICY],
  statefulset: [
    {
      fields: ['spec.persistentVolumeClaimRetentionPolicy', 'status.availableReplicas'],
      why: 'defaulted since v1.27, written since v1.22',
    },
  ],
};
