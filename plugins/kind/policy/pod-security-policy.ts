import {
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  type FieldPath,
  fieldPath,
  invalidValue,
  NAME_COLUMN,
  notSupported,
  type PodSecurityPolicy,
  type PodSecurityPolicySpec,
  required,
  type TableCell,
} from 'kernetes/sdk';

/** What pods may ask for; gone since 1.25. No admission plugin of ours reads it. */
export const podSecurityPolicies = defineKind<PodSecurityPolicy>({
  group: 'policy',
  kind: 'PodSecurityPolicy',
  resource: 'podsecuritypolicies',
  singular: 'podsecuritypolicy',
  shortNames: ['psp'],
  namespaced: false,
  storage: { prefix: 'registry/podsecuritypolicy', version: 'v1beta1' },
  versions: [
    {
      name: 'v1beta1',
      schema: builtInSchema('policy', 'v1beta1', 'PodSecurityPolicy'),
      releases: { until: 24 },
      deprecation:
        'policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, unavailable in v1.25+',
      defaults: policy => {
        if (policy.spec) policy.spec.allowPrivilegeEscalation ??= true;
      },
      columns: [
        NAME_COLUMN,
        ...['Priv', 'Caps', 'SELinux', 'RunAsUser', 'FsGroup', 'SupGroup'].map(name =>
          column(name),
        ),
        column('ReadOnlyRootFs'),
        column('Volumes'),
      ],
      row: policyRow,
    },
  ],
  strategy: { returnsDeleted: true, validate: validatePolicy },
});

const SPEC = fieldPath('spec');
const RULES = {
  seLinux: ['MustRunAs', 'RunAsAny'],
  runAsUser: ['MustRunAs', 'MustRunAsNonRoot', 'RunAsAny'],
  supplementalGroups: ['MayRunAs', 'MustRunAs', 'RunAsAny'],
  fsGroup: ['MayRunAs', 'MustRunAs', 'RunAsAny'],
} as const;

export function validatePolicy({ spec = NONE }: PodSecurityPolicy): FieldError[] {
  const rules = Object.entries(RULES) as [keyof typeof RULES, readonly string[]][];
  return [
    ...rules.flatMap(([field, allowed]) => {
      return validateRule(spec[field]?.rule ?? '', allowed, SPEC.child(field, 'rule'));
    }),
    ...rules.flatMap(([field]) => validateRanges(spec, field)),
    ...validateEscalation(spec),
    ...validateCapabilities(spec),
  ];
}

function validateRule(rule: string, allowed: readonly string[], path: FieldPath): FieldError[] {
  return allowed.includes(rule) ? [] : [notSupported(path, rule, allowed)];
}

function validateRanges(spec: PodSecurityPolicySpec, field: keyof typeof RULES): FieldError[] {
  const options = spec[field] as { readonly ranges?: readonly Range[] } | undefined;
  return (options?.ranges ?? []).flatMap(({ min, max }, i) => {
    const path = SPEC.child(field, 'ranges').index(i);
    const errors: FieldError[] = [];
    if (min < 0) errors.push(invalidValue(path.child('min'), min, 'min cannot be negative'));
    if (max < 0) errors.push(invalidValue(path.child('max'), max, 'max cannot be negative'));
    if (min > max)
      errors.push(invalidValue(path.child('min'), min, 'min cannot be greater than max'));
    return errors;
  });
}

function validateEscalation(spec: PodSecurityPolicySpec): FieldError[] {
  if (!spec.defaultAllowPrivilegeEscalation || spec.allowPrivilegeEscalation !== false) return [];
  const why =
    'Cannot set DefaultAllowPrivilegeEscalation to true without also setting AllowPrivilegeEscalation to true';
  return [invalidValue(SPEC.child('defaultAllowPrivilegeEscalation'), true, why)];
}

/** What must be dropped can be neither added nor allowed. */
function validateCapabilities(spec: PodSecurityPolicySpec): FieldError[] {
  const { requiredDropCapabilities: dropped = [] } = spec;
  if (dropped.includes('*')) {
    const others = [...(spec.allowedCapabilities ?? []), ...(spec.defaultAddCapabilities ?? [])];
    if (others.length === 0) return [];
    const why = 'must be empty when all capabilities are dropped by a wildcard';
    return [required(SPEC.child('allowedCapabilities'), why)];
  }
  return (['defaultAddCapabilities', 'allowedCapabilities'] as const).flatMap(field =>
    (spec[field] ?? [])
      .filter(capability => dropped.includes(capability))
      .map(capability => {
        const why = 'capability is listed in requiredDropCapabilities';
        return invalidValue(SPEC.child(field), capability, why);
      }),
  );
}

function policyRow({ metadata, spec = NONE }: PodSecurityPolicy): TableCell[] {
  return [
    metadata.name ?? '',
    String(spec.privileged ?? false),
    (spec.allowedCapabilities ?? []).join(','),
    spec.seLinux?.rule ?? '',
    spec.runAsUser?.rule ?? '',
    spec.fsGroup?.rule ?? '',
    spec.supplementalGroups?.rule ?? '',
    String(spec.readOnlyRootFilesystem ?? false),
    (spec.volumes ?? []).join(','),
  ];
}

const NONE: PodSecurityPolicySpec = {
  seLinux: { rule: '' },
  runAsUser: { rule: '' },
  supplementalGroups: { rule: '' },
  fsGroup: { rule: '' },
};

interface Range {
  readonly min: number;
  readonly max: number;
}
