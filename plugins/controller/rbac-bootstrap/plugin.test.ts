import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ApiError,
  ClusterRole,
  ClusterRoleBinding,
  Namespace,
  Role,
  RoleBinding,
} from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const start = (kernel: TestKernel) => activate(plugin, { kernel });
const AUTO = 'rbac.authorization.kubernetes.io/autoupdate';

describe('controller.rbac-bootstrap', () => {
  it('makes roles and bindings, each of which says where it is from', async () => {
    const kernel = new TestKernel();
    await start(kernel);
    const kinds = [ClusterRole, Role, ClusterRoleBinding, RoleBinding] as const;
    const all = kinds.flatMap(kind => kernel.all<ClusterRole | ClusterRoleBinding>(kind));
    for (const { metadata } of all) {
      assert.equal(metadata.labels?.['kubernetes.io/bootstrapping'], 'rbac-defaults');
      assert.equal(metadata.annotations?.[AUTO], 'true');
    }
    for (const name of ['cluster-admin', 'admin', 'edit', 'view', 'system:discovery']) {
      assert.ok(kernel.get(ClusterRole, name), name);
    }
    const account = 'system:controller:replicaset-controller';
    assert.deepEqual(kernel.get(ClusterRoleBinding, account)?.subjects, [
      { kind: 'ServiceAccount', namespace: 'kube-system', name: 'replicaset-controller' },
    ]);
  });

  it('makes the namespaces of its roles, where something is to be made in them', async () => {
    const kernel = new TestKernel();
    await start(kernel);
    const names = kernel.all(Namespace).map(({ metadata }) => metadata.name);
    assert.deepEqual(names.sort(), ['kube-public', 'kube-system']);
    kernel.requests.length = 0;
    await start(kernel);
    assert.deepEqual(
      kernel.requests.filter(({ verb }) => verb !== 'list'),
      [],
    );
  });

  it('binds only roles that it makes', async () => {
    const kernel = new TestKernel();
    await start(kernel);
    for (const { roleRef } of kernel.all(ClusterRoleBinding)) {
      assert.ok(kernel.get(ClusterRole, roleRef.name), roleRef.name);
    }
    for (const { roleRef, metadata } of kernel.all(RoleBinding)) {
      assert.ok(kernel.get(Role, `${metadata.namespace}/${roleRef.name}`), roleRef.name);
    }
  });

  it('gives those who did not sign in nothing but health and version', async () => {
    const kernel = new TestKernel();
    await start(kernel);
    const bindings = [...kernel.all(ClusterRoleBinding), ...kernel.all(RoleBinding)];
    const open = bindings.filter(({ subjects }) =>
      subjects?.some(({ name }) => /anonymous|unauthenticated/.test(name)),
    );
    assert.deepEqual(
      open.map(({ roleRef }) => roleRef.name),
      ['system:public-info-viewer'],
    );
    assert.deepEqual(kernel.get(ClusterRole, 'system:public-info-viewer')?.rules, [
      {
        nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'],
        verbs: ['get'],
      },
    ]);
  });

  it('rules have verbs, and either groups and resources or URLs', async () => {
    const kernel = new TestKernel();
    await start(kernel);
    for (const { rules = [], metadata } of [...kernel.all(ClusterRole), ...kernel.all(Role)]) {
      for (const { verbs, apiGroups = [], resources = [], nonResourceURLs = [] } of rules) {
        const words = [...verbs, ...apiGroups, ...resources, ...nonResourceURLs];
        assert.ok(verbs.length > 0 && !words.some(word => /[ @=]/.test(word)), metadata.name);
        assert.equal(resources.length > 0, nonResourceURLs.length === 0, metadata.name);
        assert.equal(apiGroups.length > 0, resources.length > 0, metadata.name);
      }
    }
  });

  it('writes nothing at a second start', async () => {
    const kernel = new TestKernel();
    await (await start(kernel)).dispose();
    kernel.requests.length = 0;
    await start(kernel);
    assert.deepEqual([...new Set(kernel.requests.map(({ verb }) => verb))], ['list']);
  });

  it('adds what was taken away, and keeps what was added', async () => {
    const kernel = new TestKernel();
    await (await start(kernel)).dispose();
    const own = { apiGroups: ['x'], resources: ['y'], verbs: ['z'] };
    kernel.modify(ClusterRole, 'system:kube-dns', role => {
      role.rules = [own];
      role.metadata.labels = { mine: 'x' };
    });
    kernel.modify(ClusterRole, 'view', role => {
      delete role.aggregationRule;
      role.rules = [own];
    });
    kernel.modify(ClusterRoleBinding, 'system:discovery', binding => {
      binding.subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob' }];
    });
    await kernel.objects.delete(ClusterRole, { name: 'edit' });
    await start(kernel);
    const dns = kernel.get(ClusterRole, 'system:kube-dns');
    assert.deepEqual(dns?.rules?.[0], own);
    assert.equal(dns?.rules?.length, 5);
    assert.equal(dns?.metadata.labels?.mine, 'x');
    assert.equal(dns?.metadata.labels?.['kubernetes.io/bootstrapping'], 'rbac-defaults');
    assert.ok(kernel.get(ClusterRole, 'view')?.aggregationRule);
    assert.ok(kernel.get(ClusterRole, 'edit'));
    const subjects = kernel.get(ClusterRoleBinding, 'system:discovery')?.subjects;
    assert.deepEqual(
      subjects?.map(({ name }) => name),
      ['bob', 'system:authenticated'],
    );
  });

  it('makes a binding to another role anew', async () => {
    const kernel = new TestKernel();
    await (await start(kernel)).dispose();
    const { uid } = kernel.get(ClusterRoleBinding, 'system:kube-dns')?.metadata ?? {};
    kernel.modify(ClusterRoleBinding, 'system:kube-dns', ({ roleRef }) => {
      roleRef.name = 'cluster-admin';
    });
    await start(kernel);
    const found = kernel.get(ClusterRoleBinding, 'system:kube-dns');
    assert.equal(found?.roleRef.name, 'system:kube-dns');
    assert.notEqual(found?.metadata.uid, uid);
  });

  it('leaves alone who wants that', async () => {
    const kernel = new TestKernel();
    await (await start(kernel)).dispose();
    kernel.modify(ClusterRole, 'system:kube-dns', role => {
      role.rules = [];
      role.metadata.annotations = { [AUTO]: 'false' };
    });
    await start(kernel);
    assert.deepEqual(kernel.get(ClusterRole, 'system:kube-dns')?.rules, []);
  });

  it('says what it could not write, and starts', async () => {
    const kernel = new TestKernel();
    kernel.fault = ({ verb, body }) => {
      const { name } = (body as ClusterRole | undefined)?.metadata ?? {};
      if (verb !== 'create' || name !== 'edit') return undefined;
      return new ApiError({ message: 'no', reason: 'Forbidden', code: 403 });
    };
    await start(kernel);
    assert.deepEqual(
      kernel.logs.map(({ level, fields }) => [level, fields.name]),
      [['error', 'edit']],
    );
    assert.ok(kernel.get(ClusterRoleBinding, 'cluster-admin'));
  });
});
