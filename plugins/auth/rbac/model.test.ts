import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  type Attributes,
  authorizerPoint,
  ClusterRole,
  ClusterRoleBinding,
  type PolicyRule,
  Role,
  RoleBinding,
  type RoleRef,
  type Subject,
} from 'kernetes/sdk';
import { activate, seededRandom, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const GROUP = 'rbac.authorization.k8s.io';
const NAMESPACES = ['x', 'y'];

/** Random clusters; each decision is that of the few lines below that know no index. */
it('a decision is that of a naive reading of all roles and bindings', async () => {
  let allowed = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Chance(seed);
    const kernel = new TestKernel();
    const world = populate(kernel, random);
    const { context, dispose, clock } = await activate(plugin, { kernel });
    const authorizer = context.contributions(authorizerPoint).list()[0]?.value;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 60; i++) {
        const asked = random.attributes();
        const decision = await authorizer?.authorize(asked);
        const verdict = typeof decision === 'object' ? decision.verdict : decision;
        const expected = modelAllows(world(), asked) ? 'allow' : 'no-opinion';
        assert.equal(verdict, expected, `seed ${seed}: ${JSON.stringify(asked)}`);
        if (verdict === 'allow') allowed++;
      }
      for (let i = 0; i < 6; i++) await disturb(kernel, random);
      await clock.step(0);
    }
    await dispose();
  }
  assert.ok(allowed > 500, `only ${allowed} requests were allowed`);
});

interface World {
  readonly roles: readonly Role[];
  readonly clusterRoles: readonly ClusterRole[];
  readonly bindings: readonly (RoleBinding | ClusterRoleBinding)[];
}

function modelAllows(world: World, asked: Attributes): boolean {
  return world.bindings.some(({ metadata, roleRef, subjects = [] }) => {
    const { namespace } = metadata;
    const where = 'path' in asked ? '' : asked.namespace;
    if (namespace && namespace !== where) return false;
    if (!subjects.some(subject => isSubject(subject, asked.user, namespace))) return false;
    const role =
      roleRef.kind === 'ClusterRole'
        ? world.clusterRoles.find(each => each.metadata.name === roleRef.name)
        : world.roles.find(
            each => each.metadata.name === roleRef.name && each.metadata.namespace === namespace,
          );
    return (role?.rules ?? []).some(rule => modelRuleAllows(rule, asked));
  });
}

function isSubject(subject: Subject, user: Attributes['user'], home: string | undefined): boolean {
  if (subject.kind === 'User') return subject.name === user.name;
  if (subject.kind === 'Group') return user.groups.includes(subject.name);
  const namespace = subject.namespace ?? home;
  return user.name === `system:serviceaccount:${namespace}:${subject.name}`;
}

function modelRuleAllows(rule: PolicyRule, asked: Attributes): boolean {
  const has = (words: readonly string[] = [], word: string) =>
    words.some(each => each === '*' || each === word);
  if (!has(rule.verbs, asked.verb)) return false;
  if ('path' in asked) {
    return (rule.nonResourceURLs ?? []).some(url =>
      url.endsWith('*') ? asked.path.startsWith(url.slice(0, -1)) : asked.path === url,
    );
  }
  const { group, resource, subresource, name } = asked;
  const full = subresource ? `${resource}/${subresource}` : resource;
  const named = (rule.resources ?? []).some(
    each => each === '*' || each === full || (subresource && each === `*/${subresource}`),
  );
  const names = rule.resourceNames ?? [];
  return named && has(rule.apiGroups, group) && (names.length === 0 || names.includes(name));
}

class Chance {
  readonly #random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  one<T>(of: readonly T[]): T {
    return of[this.#random.integer(of.length)] as T;
  }

  some<T>(of: readonly T[]): T[] {
    return of.filter(() => this.#random.integer(3) === 0);
  }

  rules(): PolicyRule[] {
    return [0, 1, 2].map(() => {
      const verbs = this.some(['get', 'list', 'create', '*']);
      const nonResourceURLs = this.some(['/a', '/a/*', '*']);
      if (this.#random.integer(4) === 0) return { verbs, nonResourceURLs };
      return {
        verbs,
        apiGroups: this.some(['', 'apps', '*']),
        resources: this.some(['pods', 'pods/log', '*/log', 'nodes', '*', 'pods/*']),
        resourceNames: this.#random.integer(2) ? this.some(['a', 'b']) : [],
      };
    });
  }

  binding(kinds: readonly string[]): { roleRef: RoleRef; subjects: Subject[] } {
    const ref = { apiGroup: GROUP, kind: this.one(kinds), name: this.one(['r0', 'r1', 'r2']) };
    const subjects = this.some<Subject>([
      { kind: 'User', apiGroup: GROUP, name: 'bob' },
      { kind: 'User', apiGroup: GROUP, name: 'system:serviceaccount:y:bot' },
      { kind: 'Group', apiGroup: GROUP, name: 'devs' },
      { kind: 'ServiceAccount', name: 'bot', namespace: 'x' },
      { kind: 'ServiceAccount', name: 'bot' },
    ]);
    return { roleRef: ref, subjects };
  }

  attributes(): Attributes {
    const user = this.one([
      { name: 'bob', groups: [] },
      { name: 'eve', groups: ['others', 'devs'] },
      { name: 'system:serviceaccount:x:bot', groups: [] },
      { name: 'system:serviceaccount:y:bot', groups: ['devs'] },
    ]);
    const verb = this.one(['get', 'list', 'create', 'delete']);
    if (this.#random.integer(4) === 0) return { user, verb, path: this.one(['/a', '/a/b', '/c']) };
    const target = { group: this.one(['', 'apps', 'x']), resource: this.one(['pods', 'nodes']) };
    const subresource = this.one(['', '', 'log', 'status']);
    const at = { namespace: this.one(['', ...NAMESPACES]), name: this.one(['', 'a', 'c']) };
    return { user, verb, version: 'v1', ...target, subresource, ...at };
  }
}

function populate(kernel: TestKernel, random: Chance): () => World {
  for (const name of random.some(['r0', 'r1', 'r2'])) {
    kernel.add(ClusterRole, { metadata: { name }, rules: random.rules() });
  }
  for (const name of random.some(['b0', 'b1', 'b2'])) {
    kernel.add(ClusterRoleBinding, { metadata: { name }, ...random.binding(['ClusterRole']) });
  }
  for (const namespace of NAMESPACES) {
    for (const name of ['r0', 'r1', 'r2']) {
      kernel.add(Role, { metadata: { name, namespace }, rules: random.rules() });
    }
    for (const name of ['b0', 'b1', 'b2', 'b3']) {
      const binding = random.binding(['Role', 'ClusterRole']);
      kernel.add(RoleBinding, { metadata: { name, namespace }, ...binding });
    }
  }
  return () => ({
    roles: kernel.all(Role),
    clusterRoles: kernel.all(ClusterRole),
    bindings: [...kernel.all(ClusterRoleBinding), ...kernel.all(RoleBinding)],
  });
}

/** Changes or deletes something. */
async function disturb(kernel: TestKernel, random: Chance): Promise<void> {
  const kind = random.one([Role, ClusterRole, RoleBinding, ClusterRoleBinding] as const);
  const objects = kernel.all<Role | ClusterRole | RoleBinding | ClusterRoleBinding>(kind);
  if (objects.length === 0) return;
  const { name = '', namespace } = random.one(objects).metadata;
  const key = { name, ...(namespace && { namespace }) };
  if (random.one([true, false])) await kernel.objects.delete(kind, key);
  else if (kind === Role || kind === ClusterRole) {
    await kernel.objects.patch(kind, key, { rules: random.rules() });
  } else {
    const { subjects } = random.binding(['ClusterRole']);
    await kernel.objects.patch(kind, key, { subjects });
  }
}
