import {
  type AdmissionPlugin,
  type AdmissionRequest,
  admissionForbidden,
  type Find,
  invalid,
  type KubeObject,
  type Namespace,
  type Pod,
  type PodSpec,
  type PodTemplateSpec,
  type Warnings,
} from 'kernetes/sdk';
import {
  type Level,
  type LevelVersion,
  labelErrors,
  type Mode,
  type Policy,
  policyOf,
  violations,
} from './levels.ts';

export interface PodSecurityConfig extends Readonly<Record<Mode, Level>> {
  readonly exemptUsers: readonly string[];
  readonly exemptNamespaces: readonly string[];
  readonly exemptRuntimeClasses: readonly string[];
}

export interface PodSecurityOptions {
  readonly config: PodSecurityConfig;
  readonly namespace: Find<Namespace>;
  /** Those of a namespace, as far as a warning needs them. */
  readonly podsOf: (namespace: string) => Promise<readonly Pod[]>;
}

/** What is judged: a pod, or the template of pods to come. */
interface Subject {
  readonly spec: PodSpec;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Holds pods, templates and namespaces against the standards. Validates only. */
export function podSecurity(options: PodSecurityOptions): AdmissionPlugin {
  return {
    rules: [
      { operations: ['CREATE', 'UPDATE'], groups: [''], resources: ['namespaces', 'pods'] },
      { operations: ['UPDATE'], groups: [''], resources: ['pods/ephemeralcontainers'] },
      ...TEMPLATES.map(({ group, resources }) => ({
        operations: ['CREATE', 'UPDATE'] as const,
        groups: [group],
        resources: Object.keys(resources),
      })),
    ],
    validate(request) {
      if (request.resource === 'namespaces') return validateNamespace(request, options);
      return validateSubject(request, options);
    },
  };
}

async function validateSubject(
  request: AdmissionRequest,
  options: PodSecurityOptions,
): Promise<Warnings> {
  const { config } = options;
  const subject = subjectOf(request, request.object);
  if (subject === undefined || isExempt(request, subject, config)) return;
  const old = subjectOf(request, request.oldObject);
  const namespace = await options.namespace(request.namespace);
  const policy = policyOf(namespace?.metadata.labels ?? {}, config);
  if (request.resource === 'pods') enforce(request, policy.enforce, subject, old);
  const audit = worse(policy.audit, subject, old);
  if (audit) {
    request.auditAnnotations[`${DOMAIN}/audit-violations`] = `would violate ${audit}`;
  }
  const warn = worse(policy.warn, subject, old);
  return warn === undefined ? undefined : [`would violate ${warn}`];
}

function enforce(
  request: AdmissionRequest,
  by: LevelVersion,
  subject: Subject,
  old: Subject | undefined,
): void {
  request.auditAnnotations[`${DOMAIN}/enforce-policy`] = nameOf(by);
  const broken = worse(by, subject, old);
  if (broken === undefined) return;
  throw admissionForbidden(request, `violates ${broken}`);
}

/** What breaks the level and did not before: an update of what there is stays possible. */
function worse(by: LevelVersion, subject: Subject, old: Subject | undefined): string | undefined {
  const found = violations(by.level, subject.spec, subject.annotations);
  if (found === undefined) return undefined;
  if (old && violations(by.level, old.spec, old.annotations) === found) return undefined;
  return `PodSecurity "${nameOf(by)}": ${found}`;
}

function nameOf({ level, version }: LevelVersion): string {
  return `${level}:${version}`;
}

function isExempt(
  { user, namespace }: AdmissionRequest,
  { spec }: Subject,
  { exemptUsers, exemptNamespaces, exemptRuntimeClasses }: PodSecurityConfig,
): boolean {
  return (
    exemptUsers.includes(user.name) ||
    exemptNamespaces.includes(namespace) ||
    exemptRuntimeClasses.includes(spec.runtimeClassName ?? '')
  );
}

/** The pod, or where the kind keeps its template; undefined: it has none. */
function subjectOf(
  { group, resource }: AdmissionRequest,
  object: KubeObject | undefined,
): Subject | undefined {
  if (object === undefined) return undefined;
  if (resource === 'pods') {
    const { spec, metadata } = object as Pod;
    return spec && { spec, annotations: metadata.annotations ?? {} };
  }
  const path = TEMPLATES.find(each => each.group === group)?.resources[resource] ?? [];
  let value: unknown = object;
  for (const field of path) value = (value as Record<string, unknown> | undefined)?.[field];
  const { spec, metadata } = (value ?? {}) as PodTemplateSpec;
  return spec && { spec, annotations: metadata?.annotations ?? {} };
}

async function validateNamespace(
  { object, oldObject }: AdmissionRequest,
  options: PodSecurityOptions,
): Promise<Warnings> {
  const { config } = options;
  const labels = object?.metadata.labels ?? {};
  const old = oldObject?.metadata.labels ?? {};
  const name = object?.metadata.name ?? '';
  const errors = labelErrors(labels, old);
  if (errors.length > 0) throw invalid({ group: '', kind: 'Namespace' }, name, errors);
  const policy = policyOf(labels, config);
  const before = policyOf(old, config);
  if (sameAs(policy, before)) return;
  if (config.exemptNamespaces.includes(name)) {
    const asked = `enforce=${nameOf(policy.enforce)}`;
    return [
      `namespace "${name}" is exempt from Pod Security, and the policy (${asked}) will be ignored`,
    ];
  }
  if (oldObject === undefined || RANK[policy.enforce.level] <= RANK[before.enforce.level]) return;
  return warnOfPods(name, policy.enforce, options);
}

/** Pods that are there keep running; who tightens a namespace should know which break the rule. */
async function warnOfPods(
  namespace: string,
  by: LevelVersion,
  { podsOf, config }: PodSecurityOptions,
): Promise<string[]> {
  const byText = new Map<string, string[]>();
  for (const { spec, metadata } of await podsOf(namespace)) {
    if (!spec || config.exemptRuntimeClasses.includes(spec.runtimeClassName ?? '')) continue;
    const found = violations(by.level, spec, metadata.annotations ?? {});
    if (found === undefined) continue;
    byText.set(found, [...(byText.get(found) ?? []), metadata.name ?? '']);
  }
  if (byText.size === 0) return [];
  const lines = [...byText].map(([text, names]) => `${someOf(names.sort())}: ${text}`);
  return [
    `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${nameOf(by)}"`,
    ...lines.sort(),
  ];
}

function someOf([first = '', ...others]: readonly string[]): string {
  if (others.length === 0) return first;
  return `${first} (and ${others.length} other pod${others.length === 1 ? '' : 's'})`;
}

function sameAs(a: Policy, b: Policy): boolean {
  return nameOf(a.enforce) === nameOf(b.enforce);
}

const DOMAIN = 'pod-security.kubernetes.io';
const RANK: Readonly<Record<Level, number>> = { privileged: 0, baseline: 1, restricted: 2 };

/** Where kinds keep the template of their pods. */
const TEMPLATES: readonly {
  readonly group: string;
  readonly resources: Readonly<Record<string, readonly string[]>>;
}[] = [
  {
    group: '',
    resources: { podtemplates: ['template'], replicationcontrollers: ['spec', 'template'] },
  },
  {
    group: 'apps',
    resources: {
      daemonsets: ['spec', 'template'],
      deployments: ['spec', 'template'],
      replicasets: ['spec', 'template'],
      statefulsets: ['spec', 'template'],
    },
  },
  {
    group: 'batch',
    resources: {
      cronjobs: ['spec', 'jobTemplate', 'spec', 'template'],
      jobs: ['spec', 'template'],
    },
  },
];
