import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from 'kernetes/sdk';
import { optionsOf, parsePath, verbOf } from './path.ts';

const core = { group: '', version: 'v1', watch: false };
const apps = { group: 'apps', version: 'v1', watch: false };

const paths = [
  { path: '/api/v1/pods', is: { ...core, resource: 'pods' } },
  { path: '/api/v1/nodes/n1', is: { ...core, resource: 'nodes', name: 'n1' } },
  { path: '/api/v1/namespaces', is: { ...core, resource: 'namespaces' } },
  { path: '/api/v1/namespaces/x', is: { ...core, resource: 'namespaces', name: 'x' } },
  {
    path: '/api/v1/namespaces/x/finalize',
    is: { ...core, resource: 'namespaces', name: 'x', subresource: 'finalize' },
  },
  { path: '/api/v1/namespaces/x/pods', is: { ...core, resource: 'pods', namespace: 'x' } },
  { path: '/api/v1/namespaces/x/pods/', is: { ...core, resource: 'pods', namespace: 'x' } },
  {
    path: '/apis/apps/v1/namespaces/x/deployments/web/scale',
    is: { ...apps, resource: 'deployments', namespace: 'x', name: 'web', subresource: 'scale' },
  },
  {
    path: '/api/v1/namespaces/x/services/s/proxy/a/b',
    is: { ...core, resource: 'services', namespace: 'x', name: 's', subresource: 'proxy/a/b' },
  },
  {
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
    is: {
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      watch: false,
      resource: 'clusterroles',
      name: 'system:node',
    },
  },
  { path: '/api/v1/watch/pods', is: { ...core, watch: true, resource: 'pods' } },
  { path: '/api/v1', is: undefined },
  { path: '/api/v1/', is: undefined },
  { path: '/apis/apps/v1', is: undefined },
  { path: '/healthz', is: undefined },
];

describe('parsePath()', () => {
  for (const { path, is } of paths) {
    it(`takes ${path} ${is ? 'apart' : 'for no resource'}`, () => {
      assert.deepEqual(parsePath(path), is);
    });
  }

  it('refuses a path that is not URL-encoded', () => {
    assert.throws(() => parsePath('/api/v1/nodes/%zz'), ApiError);
  });
});

describe('verbOf()', () => {
  const verbs = [
    { method: 'GET', path: '/api/v1/pods', verb: 'list' },
    { method: 'GET', path: '/api/v1/pods?watch=1', verb: 'watch' },
    { method: 'GET', path: '/api/v1/pods?watch=false', verb: 'list' },
    { method: 'GET', path: '/api/v1/nodes/n', verb: 'get' },
    { method: 'POST', path: '/api/v1/nodes', verb: 'create' },
    { method: 'PUT', path: '/api/v1/nodes/n', verb: 'update' },
    { method: 'PATCH', path: '/api/v1/nodes/n', verb: 'patch' },
    { method: 'DELETE', path: '/api/v1/nodes/n', verb: 'delete' },
    { method: 'DELETE', path: '/api/v1/nodes', verb: 'deletecollection' },
  ];
  for (const { method, path, verb } of verbs) {
    it(`is ${verb} for ${method} ${path}`, () => {
      const { pathname, searchParams } = new URL(path, 'https://x');
      const parsed = parsePath(pathname);
      assert.ok(parsed);
      assert.equal(verbOf(method, parsed, searchParams), verb);
    });
  }

  it('knows no other methods, and no creating at an object', () => {
    const parsed = parsePath('/api/v1/nodes/n');
    assert.ok(parsed);
    for (const method of ['OPTIONS', 'POST']) {
      assert.equal(verbOf(method, parsed, new URLSearchParams()), undefined);
    }
  });
});

describe('optionsOf()', () => {
  it('reads what the Kubernetes API knows and ignores the rest', () => {
    const query = new URLSearchParams(
      'limit=5&dryRun=All&force=true&labelSelector=a%3Db&fieldValidation=Strict&pretty=true',
    );
    assert.deepEqual(optionsOf(query), {
      limit: 5,
      dryRun: true,
      force: true,
      labelSelector: 'a=b',
      fieldValidation: 'Strict',
    });
  });

  for (const wrong of [
    'dryRun=Some',
    'limit=x',
    'fieldValidation=Loose',
    'resourceVersionMatch=x',
  ]) {
    it(`refuses ${wrong}`, () => {
      assert.throws(() => optionsOf(new URLSearchParams(wrong)), ApiError);
    });
  }
});
