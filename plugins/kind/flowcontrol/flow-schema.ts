import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  type FieldPath,
  type FlowSchema,
  fieldPath,
  type flowcontrolV1,
  invalidValue,
  type KindVersion,
  NAME_COLUMN,
  notSupported,
  olderVersion,
  required,
} from 'kernetes/sdk';
import { GROUP, V1BETA1, V1BETA2, V1BETA3 } from './versions.ts';

const PRECEDENCE_DEFAULT = 1_000;
const PRECEDENCE_MAX = 10_000;
const DISTINGUISHERS = ['ByNamespace', 'ByUser'];
const SUBJECTS = ['Group', 'ServiceAccount', 'User'] as const;

const V1: KindVersion<FlowSchema> = {
  name: 'v1',
  schema: builtInSchema(GROUP, 'v1', 'FlowSchema'),
  releases: { since: 29 },
  defaults: ({ spec }) => {
    if (spec && !spec.matchingPrecedence) spec.matchingPrecedence = PRECEDENCE_DEFAULT;
  },
  columns: [
    NAME_COLUMN,
    column('PriorityLevel'),
    column('MatchingPrecedence'),
    column('DistinguisherMethod'),
    AGE_COLUMN,
    column('MissingPL'),
  ],
  row: (flow, now) => [
    flow.metadata.name ?? '',
    flow.spec?.priorityLevelConfiguration?.name ?? '',
    String(flow.spec?.matchingPrecedence ?? PRECEDENCE_DEFAULT),
    flow.spec?.distinguisherMethod?.type || '<none>',
    ageCell(flow, now),
    flow.status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
  ],
};

const BETA3 = olderVersion(V1, { ...V1BETA3, kind: 'FlowSchema' });
const BETA2 = olderVersion(BETA3, { ...V1BETA2, kind: 'FlowSchema' });

export const flowSchemas = defineKind<FlowSchema>({
  group: GROUP,
  kind: 'FlowSchema',
  resource: 'flowschemas',
  singular: 'flowschema',
  namespaced: false,
  storage: { prefix: 'registry/flowschemas', version: 'v1' },
  versions: [V1, BETA3, BETA2, olderVersion(BETA2, { ...V1BETA1, kind: 'FlowSchema' })],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: flow => {
      flow.status = {};
    },
    validate: validateFlowSchema,
  },
});

export function validateFlowSchema({ spec }: FlowSchema): FieldError[] {
  const path = fieldPath('spec');
  const {
    matchingPrecedence: precedence = PRECEDENCE_DEFAULT,
    distinguisherMethod,
    priorityLevelConfiguration,
    rules = [],
  } = spec ?? { priorityLevelConfiguration: { name: '' } };
  const errors: FieldError[] = [];
  if (precedence <= 0) {
    errors.push(
      invalidValue(path.child('matchingPrecedence'), precedence, 'must be a positive value'),
    );
  }
  if (precedence > PRECEDENCE_MAX) {
    const why = `must not be greater than ${PRECEDENCE_MAX}`;
    errors.push(invalidValue(path.child('matchingPrecedence'), precedence, why));
  }
  if (distinguisherMethod && !DISTINGUISHERS.includes(distinguisherMethod.type)) {
    const field = path.child('distinguisherMethod').child('type');
    errors.push(notSupported(field, distinguisherMethod.type ?? '', DISTINGUISHERS));
  }
  if (!priorityLevelConfiguration?.name) {
    const field = path.child('priorityLevelConfiguration').child('name');
    errors.push(required(field, 'must reference a priority level'));
  }
  return [
    ...errors,
    ...rules.flatMap((rule, i) => validateRule(rule, path.child('rules').index(i))),
  ];
}

function validateRule(rule: flowcontrolV1.PolicyRulesWithSubjects, path: FieldPath): FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const errors: FieldError[] = [];
  if (subjects.length === 0) {
    errors.push(required(path.child('subjects'), 'subjects must contain at least one value'));
  }
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    errors.push(
      required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'),
    );
  }
  return [
    ...errors,
    ...subjects.flatMap((subject, i) => validateSubject(subject, path.child('subjects').index(i))),
    ...resourceRules.flatMap((each, i) =>
      validateResourceRule(each, path.child('resourceRules').index(i)),
    ),
    ...nonResourceRules.flatMap((each, i) => {
      const at = path.child('nonResourceRules').index(i);
      return [
        ...someOf(each.verbs, at.child('verbs')),
        ...someOf(each.nonResourceURLs, at.child('nonResourceURLs')),
      ];
    }),
  ];
}

function validateSubject(subject: flowcontrolV1.Subject, path: FieldPath): FieldError[] {
  switch (subject.kind) {
    case 'User':
      return named(subject.user, path.child('user'));
    case 'Group':
      return named(subject.group, path.child('group'));
    case 'ServiceAccount': {
      const at = path.child('serviceAccount');
      const errors = named(subject.serviceAccount, at);
      if (subject.serviceAccount && !subject.serviceAccount.namespace) {
        errors.push(required(at.child('namespace'), 'must specify namespace for service account'));
      }
      return errors;
    }
    default:
      return [notSupported(path.child('kind'), subject.kind ?? '', [...SUBJECTS])];
  }
}

function named(subject: { readonly name: string } | undefined, path: FieldPath): FieldError[] {
  if (subject === undefined)
    return [required(path, `${path.toString().split('.').at(-1)} is required`)];
  return subject.name ? [] : [required(path.child('name'), '')];
}

function validateResourceRule(
  rule: flowcontrolV1.ResourcePolicyRule,
  path: FieldPath,
): FieldError[] {
  const errors = [
    ...someOf(rule.verbs, path.child('verbs')),
    ...someOf(rule.apiGroups, path.child('apiGroups')),
    ...someOf(rule.resources, path.child('resources')),
  ];
  if (!rule.namespaces?.length && !rule.clusterScope) {
    const why = 'resource rules that are not cluster scoped must supply at least one namespace';
    errors.push(required(path.child('namespaces'), why));
  }
  return errors;
}

/** At least one, and `*` alone. */
function someOf(values: readonly string[] | undefined, path: FieldPath): FieldError[] {
  const name = path.toString().split('.').at(-1) ?? '';
  if (!values?.length) return [required(path, `${name} must contain at least one value`)];
  if (values.length === 1 || !values.includes('*')) return [];
  return [invalidValue(path, values, `if '*' is present, must not specify other ${name}`)];
}
