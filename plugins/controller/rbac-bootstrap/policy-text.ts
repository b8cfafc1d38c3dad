import type {
  ClusterRole,
  ClusterRoleBinding,
  ObjectMeta,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from 'kernetes/sdk';

export const GROUP = 'rbac.authorization.k8s.io';

/** Reads the notation of `policy.ts`. */
export function readClusterRoles(text: string, prefix = ''): ClusterRole[] {
  return sectionsOf(text).map(({ head: [name = '', ...words], rules }) => {
    const labels = valuesOf(words, 'label').map(role => [aggregationLabel(role), 'true']);
    const selectors = valuesOf(words, 'aggregates').map(role => {
      return { matchLabels: { [aggregationLabel(role)]: 'true' } };
    });
    const metadata = metadataOf({ name: prefix + name }, Object.fromEntries(labels));
    if (selectors.length === 0) return { metadata, rules };
    return { metadata, rules, aggregationRule: { clusterRoleSelectors: selectors } };
  });
}

export function readRoles(text: string): Role[] {
  return sectionsOf(text).map(({ head: [key = ''], rules }) => {
    return { metadata: metadataOf(parsedKey(key)), rules };
  });
}

export function readClusterRoleBindings(text: string): ClusterRoleBinding[] {
  return sectionsOf(text).map(({ head: [name = '', ...words] }) => {
    return bindingOf({ name }, { kind: 'ClusterRole', words });
  });
}

export function readRoleBindings(text: string): RoleBinding[] {
  return sectionsOf(text).map(({ head: [key = '', ...words] }) => {
    return bindingOf(parsedKey(key), { kind: 'Role', words });
  });
}

/** Binds the role of a controller to its service account. */
export function controllerBinding({ metadata: { name = '' } }: ClusterRole): ClusterRoleBinding {
  const account = `account:kube-system/${name.slice(CONTROLLER_PREFIX.length)}`;
  return bindingOf({ name }, { kind: 'ClusterRole', words: [account] });
}

export const CONTROLLER_PREFIX = 'system:controller:';

interface Section {
  readonly head: readonly string[];
  readonly rules: PolicyRule[];
}

function sectionsOf(text: string): Section[] {
  const sections: Section[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const words = line.trim().split(' ');
    if (line.startsWith(' ')) sections.at(-1)?.rules.push(ruleOf(words));
    else sections.push({ head: words, rules: [] });
  }
  return sections;
}

function ruleOf([verbs = '', what = '', ...rest]: readonly string[]): PolicyRule {
  const allVerbs = verbs.split(',').flatMap(verb => VERBS[verb] ?? [verb]);
  const [urls] = valuesOf([what], 'URLS');
  if (urls !== undefined) return { nonResourceURLs: urls.split(','), verbs: allVerbs.sort() };
  const groups = rest.find(word => word.startsWith('@'))?.slice(1) ?? 'core';
  const names = rest.find(word => word.startsWith('='))?.slice(1);
  return {
    apiGroups: groups.split(',').map(group => GROUPS[group] ?? group),
    ...(names && { resourceNames: names.split(',') }),
    resources: what.split(','),
    verbs: allVerbs.sort(),
  };
}

function bindingOf(
  key: { readonly name: string; readonly namespace?: string },
  { kind, words }: { readonly kind: 'Role' | 'ClusterRole'; readonly words: readonly string[] },
) {
  const [role = key.name] = valuesOf(words, 'role');
  const subjects: Subject[] = [
    ...valuesOf(words, 'user').map(name => ({ kind: 'User', apiGroup: GROUP, name })),
    ...valuesOf(words, 'group').map(name => ({ kind: 'Group', apiGroup: GROUP, name })),
    ...valuesOf(words, 'account').map(key => ({ kind: 'ServiceAccount', ...parsedKey(key) })),
  ];
  const metadata = metadataOf(key);
  return { metadata, roleRef: { apiGroup: GROUP, kind, name: role }, subjects };
}

function metadataOf(
  key: { readonly name: string; readonly namespace?: string },
  labels: Readonly<Record<string, string>> = {},
): ObjectMeta {
  return {
    ...key,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  };
}

/** What stands behind `<key>:`. */
function valuesOf(words: readonly string[], key: string): string[] {
  const start = `${key}:`;
  return words.filter(word => word.startsWith(start)).map(word => word.slice(start.length));
}

function parsedKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

function aggregationLabel(role: string): string {
  return `rbac.authorization.k8s.io/aggregate-to-${role}`;
}

const VERBS: Readonly<Record<string, readonly string[]>> = {
  read: ['get', 'list', 'watch'],
  write: ['create', 'delete', 'deletecollection', 'patch', 'update'],
  report: ['create', 'patch', 'update'],
};

const GROUPS: Readonly<Record<string, string>> = {
  core: '',
  admissionregistration: 'admissionregistration.k8s.io',
  authentication: 'authentication.k8s.io',
  authorization: 'authorization.k8s.io',
  certificates: 'certificates.k8s.io',
  coordination: 'coordination.k8s.io',
  discovery: 'discovery.k8s.io',
  events: 'events.k8s.io',
  networking: 'networking.k8s.io',
  node: 'node.k8s.io',
  rbac: GROUP,
  resource: 'resource.k8s.io',
  storage: 'storage.k8s.io',
};
