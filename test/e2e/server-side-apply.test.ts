import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { crdOf, untilEstablished, versionOf } from './crds.ts';
import { type Fields, jsonOf } from './http.ts';
import { withoutKubectl } from './kubectl.ts';
import { startCluster } from './start-cluster.ts';

const { cluster, http, kubectl } = await startCluster({ nodes: 0 });
after(() => cluster.close());

const APPLY = 'application/apply-patch+yaml';
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const POLICIES = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';
const PODS = '/api/v1/namespaces/default/pods';

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly fieldsV1: object;
}

/** Server-side apply over HTTPS and with kubectl. */
describe('server-side apply', { timeout: 120_000 }, () => {
  const patch = (path: string, body: unknown) =>
    http.call('PATCH', path, { body, headers: { 'content-type': APPLY } });

  const apply = async (path: string, body: unknown) => {
    const reply = await patch(path, body);
    assert.ok(reply.code < 300, reply.body.toString());
    return { code: reply.code, object: jsonOf(reply) };
  };

  const refused = async (path: string, body: unknown) => {
    const { code, message, reason } = jsonOf(await patch(path, body));
    return [code, reason, message];
  };

  const configMap = (name: string, data?: object, metadata = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...metadata },
    ...(data && { data }),
  });

  const deployment = (name: string, spec: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec,
  });

  const web = (replicas?: number) => ({
    ...(replicas !== undefined && { replicas }),
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] },
    },
  });

  it('makes what is not there, and changes it after', async () => {
    const path = `${CONFIG_MAPS}/made?fieldManager=a`;
    const made = await apply(path, configMap('made', { x: '1' }));
    assert.equal(made.code, 201);
    assert.ok(made.object.metadata.uid);
    const changed = await apply(path, configMap('made', { x: '2' }));
    assert.equal(changed.code, 200);
    assert.equal(changed.object.metadata.uid, made.object.metadata.uid);
    assert.deepEqual(entriesOf(changed.object), [
      ['a', 'Apply', undefined, { 'f:data': { 'f:x': {} } }],
    ]);
  });

  it('takes its name from the URL', async () => {
    const { object } = await apply(`${CONFIG_MAPS}/named?fieldManager=a`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
    });
    assert.equal(object.metadata.name, 'named');
  });

  it('reads YAML', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  x: "1"\n';
    assert.deepEqual((await apply(`${CONFIG_MAPS}/yaml?fieldManager=a`, yaml)).object.data, {
      x: '1',
    });
  });

  it('makes no revision of what is applied again, also where defaults fill what is pruned', async () => {
    const path = `${POLICIES}/again?fieldManager=a`;
    const policy = (more = {}) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'again' },
      spec: { podSelector: {}, ...more },
    });
    const one = await apply(path, policy({ policyTypes: ['Ingress'] }));
    const two = await apply(path, policy({ policyTypes: ['Ingress'] }));
    assert.deepEqual(two.object, one.object);
    const three = await apply(path, policy());
    assert.deepEqual(three.object.spec, one.object.spec);
    const four = await apply(path, policy());
    assert.deepEqual(four.object, three.object);
    assert.equal(four.object.metadata.generation, 1);
  });

  it('dry runs change nothing', async () => {
    const dry = `${CONFIG_MAPS}/dried?fieldManager=a&dryRun=All`;
    assert.equal((await apply(dry, configMap('dried', { x: '1' }))).code, 201);
    assert.equal((await http.call('GET', `${CONFIG_MAPS}/dried`)).code, 404);
    const path = `${CONFIG_MAPS}/dried?fieldManager=a`;
    const { object } = await apply(path, configMap('dried', { x: '1' }));
    assert.deepEqual((await apply(dry, configMap('dried', { x: '2' }))).object.data, { x: '2' });
    assert.deepEqual(await http.json('GET', `${CONFIG_MAPS}/dried`), object);
  });

  it('tells two managers apart, and what each may change', async () => {
    const at = (manager: string, more = '') => `${CONFIG_MAPS}/two?fieldManager=${manager}${more}`;
    await apply(at('a'), configMap('two', { x: '1', y: '1' }));
    assert.deepEqual(await refused(at('b'), configMap('two', { x: '2' })), [
      409,
      'Conflict',
      'Apply failed with 1 conflict: conflict with "a": .data.x',
    ]);
    const forced = await apply(at('b', '&force=true'), configMap('two', { x: '2' }));
    assert.deepEqual(entriesOf(forced.object).sort(), [
      ['a', 'Apply', undefined, { 'f:data': { 'f:y': {} } }],
      ['b', 'Apply', undefined, { 'f:data': { 'f:x': {} } }],
    ]);
    const left = await apply(at('b'), configMap('two'));
    assert.deepEqual(left.object.data, { y: '1' });
  });

  it('refuses what upstream refuses', async () => {
    const path = `${CONFIG_MAPS}/refused?fieldManager=a`;
    const cases: [path: string, body: unknown, wanted: readonly unknown[]][] = [
      [
        `${CONFIG_MAPS}/refused`,
        configMap('refused'),
        [
          422,
          'Invalid',
          'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
        ],
      ],
      [
        path,
        configMap('other'),
        [
          400,
          'BadRequest',
          'the name of the object (other) does not match the name on the URL (refused)',
        ],
      ],
      [
        path,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'refused-' } },
        [
          400,
          'BadRequest',
          'the name of the object (refused based on URL) was undeterminable: name must be provided',
        ],
      ],
      [
        path,
        configMap('refused', {}, { managedFields: [] }),
        [400, 'BadRequest', 'metadata.managedFields must be nil'],
      ],
      [
        path,
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'refused' } },
        [400, 'BadRequest', 'invalid object type: /v1, Kind=Pod'],
      ],
      [
        path,
        configMap('refused', {}, { uid: 'u' }),
        [
          409,
          'Conflict',
          'Operation cannot be fulfilled on configmaps "refused": uid mismatch: the provided object specified uid u, and no existing object was found',
        ],
      ],
      [
        `${path}&fieldValidation=Strict`,
        { ...configMap('refused'), datas: {} },
        [
          500,
          undefined,
          'failed to create typed patch object (/refused; /v1, Kind=ConfigMap): .datas: field not declared in schema',
        ],
      ],
      [
        `${path}&fieldValidation=Strict`,
        'apiVersion: v1\nkind: ConfigMap\nkind: ConfigMap\n',
        [
          400,
          'BadRequest',
          'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 3: key "kind" already set in map',
        ],
      ],
      [path, 'just text', [400, 'BadRequest', /error decoding YAML/]],
      [path, configMap('refused', { 'a/b': '1' }), [422, 'Invalid', /a valid config key must/]],
      [
        `${CONFIG_MAPS}/refused/status?fieldManager=a`,
        configMap('refused'),
        [404, 'NotFound', 'the server could not find the requested resource'],
      ],
      [
        `${PODS}/nowhere/status?fieldManager=a`,
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'nowhere' } },
        [404, 'NotFound', 'pods "nowhere" not found'],
      ],
    ];
    for (const [at, body, [code, reason, message]] of cases) {
      const answer = await refused(at, body);
      assert.deepEqual(answer.slice(0, 2), [code, reason], String(answer[2]));
      if (message instanceof RegExp) assert.match(String(answer[2]), message);
      else assert.equal(answer[2], message);
    }
    assert.equal((await http.call('GET', `${CONFIG_MAPS}/refused`)).code, 404);
    const merge = { 'content-type': 'application/merge-patch+json' };
    const forced = await http.call('PATCH', `${path}&force=true`, { body: {}, headers: merge });
    assert.equal(
      jsonOf(forced).message,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    );
  });

  it('holds to a resourceVersion in the body', async () => {
    const path = `${CONFIG_MAPS}/held?fieldManager=a`;
    const { resourceVersion } = (await apply(path, configMap('held', { x: '1' }))).object.metadata;
    const body = configMap('held', { x: '2' }, { resourceVersion });
    await apply(path, body);
    const [code, reason, message] = await refused(path, { ...body, data: { x: '3' } });
    assert.deepEqual([code, reason], [409, 'Conflict']);
    assert.match(String(message), /the object has been modified/);
  });

  it('owns a status by its subresource, and leaves the rest of the body', async () => {
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await http.json('POST', `${PODS}?fieldManager=maker`, pod);
    const condition = { type: 'x/Own', status: 'True' };
    const { object } = await apply(`${PODS}/p/status?fieldManager=s`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', labels: { no: 'no' } },
      spec: { nodeName: 'no' },
      status: { conditions: [condition] },
    });
    assert.equal(object.metadata.labels, undefined);
    assert.equal(object.spec?.nodeName, undefined);
    const [entry] = entriesOf(object).filter(([manager]) => manager === 's');
    const step = 'k:{"type":"x/Own"}';
    assert.deepEqual(entry, [
      's',
      'Apply',
      'status',
      { 'f:status': { 'f:conditions': { [step]: { '.': {}, 'f:type': {}, 'f:status': {} } } } },
    ]);
  });

  it('applies a scale, which owns the replicas of the object', async () => {
    const path = `${DEPLOYMENTS}/scaled`;
    await apply(`${path}?fieldManager=a`, deployment('scaled', web(1)));
    const scale = (replicas: number) => ({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'scaled' },
      spec: { replicas },
    });
    const at = `${path}/scale?fieldManager=hpa`;
    assert.deepEqual(await refused(at, scale(2)), [
      409,
      'Conflict',
      'Apply failed with 1 conflict: conflict with "a": .spec.replicas',
    ]);
    const { object } = await apply(`${at}&force=true`, scale(2));
    assert.deepEqual([object.kind, object.spec], ['Scale', { replicas: 2 }]);
    const scaled = await http.json('GET', path);
    assert.equal(scaled.spec?.replicas, 2);
    assert.deepEqual(
      entriesOf(scaled).find(([manager]) => manager === 'hpa'),
      ['hpa', 'Apply', 'scale', { 'f:spec': { 'f:replicas': {} } }],
    );
    assert.deepEqual(await refused(`${path}?fieldManager=a`, deployment('scaled', web(1))), [
      409,
      'Conflict',
      'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale": .spec.replicas',
    ]);
  });

  it('applies custom resources by their schema, in any of their versions', async () => {
    const properties = {
      spec: {
        type: 'object',
        properties: {
          size: { type: 'integer' },
          tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
      status: { type: 'object', properties: { ready: { type: 'integer' } } },
    };
    const subresources = {
      status: {},
      scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.ready' },
    };
    const versions = ['v1', 'v2'].map(name => versionOf(name, { properties, subresources }));
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const parts = crdOf({ group: 'apply.test', kind: 'Part', versions });
    await apply(`${definitions}/parts.apply.test?fieldManager=a`, parts);
    await untilEstablished(cluster, parts.metadata.name);
    const at = (served: string) => `/apis/apply.test/${served}/namespaces/default/parts`;
    const part = (served: string, fields: object) => ({
      apiVersion: `apply.test/${served}`,
      kind: 'Part',
      metadata: { name: 'p' },
      ...fields,
    });
    const one = part('v1', { spec: { size: 1, tags: ['x'], free: { a: 1 } } });
    await apply(`${at('v1')}/p?fieldManager=a`, one);
    const two = part('v2', { spec: { tags: ['y'], free: { b: [1] } } });
    const { object } = await apply(`${at('v2')}/p?fieldManager=b`, two);
    assert.deepEqual(object.spec, { size: 1, tags: ['x', 'y'], free: { a: 1, b: [1] } });
    assert.deepEqual(
      await refused(`${at('v2')}/p?fieldManager=b`, part('v2', { spec: { size: 2 } })),
      [409, 'Conflict', 'Apply failed with 1 conflict: conflict with "a": .spec.size'],
    );
    const status = { ...one, spec: { size: 9 }, status: { ready: 1 } };
    const told = await apply(`${at('v1')}/p/status?fieldManager=s`, status);
    assert.deepEqual([told.object.spec?.size, told.object.status], [1, { ready: 1 }]);
    const scale = {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'p' },
      spec: { replicas: 3 },
    };
    await apply(`${at('v1')}/p/scale?fieldManager=h&force=true`, scale);
    const left = await apply(`${at('v1')}/p?fieldManager=a`, part('v1', { spec: { tags: ['z'] } }));
    assert.deepEqual(left.object.spec, { size: 3, tags: ['y', 'z'], free: { b: [1] } });
    assert.deepEqual(
      entriesOf(left.object)
        .map(([manager, , sub]) => [manager, sub])
        .sort(),
      [
        ['a', undefined],
        ['b', undefined],
        ['h', 'scale'],
        ['s', 'status'],
      ],
    );
  });

  it('lets go in one version of what was applied in another', async () => {
    const scaler = (served: string, fields: object) => ({
      apiVersion: `autoscaling/${served}`,
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h' },
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' }, ...fields },
    });
    const at = (served: string) =>
      `/apis/autoscaling/${served}/namespaces/default/horizontalpodautoscalers/h?fieldManager=a`;
    const target = { maxReplicas: 5, targetCPUUtilizationPercentage: 50 };
    await apply(at('v1'), scaler('v1', target));
    const before = await http.json('GET', at('v2'));
    const [metric] = (before.spec?.metrics ?? []) as { resource: { name: string } }[];
    assert.equal(metric?.resource.name, 'cpu');
    await apply(at('v2'), scaler('v2', { maxReplicas: 5 }));
    const after = await http.json('GET', at('v1'));
    assert.equal(after.spec?.maxReplicas, 5);
    assert.notEqual(after.spec?.targetCPUUtilizationPercentage, 50);
    // The autoscaler owns the status.
    const owners = entriesOf(after).filter(([, , subresource]) => subresource !== 'status');
    assert.deepEqual(
      owners.map(([manager, operation]) => [manager, operation]),
      [['a', 'Apply']],
    );
  });

  it('makes one object when many apply it at once', async () => {
    const managers = ['a', 'b', 'c', 'd'];
    const codes = await Promise.all(
      managers.map(async manager => {
        const path = `${CONFIG_MAPS}/raced?fieldManager=${manager}`;
        return (await apply(path, configMap('raced', { [manager]: '1' }))).code;
      }),
    );
    assert.deepEqual(codes.sort(), [200, 200, 200, 201]);
    const { data } = await http.json('GET', `${CONFIG_MAPS}/raced`);
    assert.deepEqual(Object.keys(data ?? {}).sort(), managers);
  });

  it('forgets managers when asked to, and begins anew', async () => {
    const path = `${CONFIG_MAPS}/reset`;
    await apply(`${path}?fieldManager=a`, configMap('reset', { x: '1' }));
    const merge = 'application/merge-patch+json';
    const reset = { metadata: { managedFields: [{}] } };
    assert.deepEqual(entriesOf(await http.json('PATCH', path, reset, merge)), []);
    const { object } = await apply(`${path}?fieldManager=a`, configMap('reset', { x: '1' }));
    assert.deepEqual(
      entriesOf(object)
        .map(([manager]) => manager)
        .sort(),
      ['a', 'before-first-apply'],
    );
  });

  it('works with kubectl, also from client-side apply on', { skip: withoutKubectl() }, async () => {
    const manifest = (replicas: number) => JSON.stringify(deployment('tour', web(replicas)));
    const applyFile = (replicas: number, flags: string) =>
      kubectl.program('sh', [
        '-c',
        `echo '${manifest(replicas)}' | kubectl apply ${flags} -f - 2>&1`,
      ]);
    assert.match(await applyFile(3, ''), /deployment.apps\/tour created/);
    assert.match(await applyFile(3, '--server-side'), /tour serverside-applied/);
    const migrated = await http.json('GET', `${DEPLOYMENTS}/tour`);
    const managers = entriesOf(migrated).map(([manager, operation]) => `${manager} ${operation}`);
    assert.ok(managers.includes('kubectl Apply'), managers.join());
    assert.ok(!managers.includes('kubectl-client-side-apply Update'), managers.join());
    assert.match(await applyFile(4, '--server-side'), /tour serverside-applied/);
    const other = '--server-side --field-manager=other';
    await assert.rejects(applyFile(7, other), (error: { stdout?: string }) => {
      assert.match(
        error.stdout ?? '',
        /^error: Apply failed with 1 conflict: conflict with "kubectl": \.spec\.replicas\n/,
      );
      return true;
    });
    assert.match(await applyFile(7, `${other} --force-conflicts`), /tour serverside-applied/);
    assert.match(await applyFile(7, `${other} --dry-run=server`), /\(server dry run\)/);
    await kubectl.run('scale deployment tour --replicas=2');
    await assert.rejects(applyFile(7, other), (error: { stdout?: string }) => {
      assert.match(
        error.stdout ?? '',
        /conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/,
      );
      return true;
    });
  });
});

/** `[manager, operation, subresource, fields]` of each entry. */
function entriesOf(object: Fields) {
  const { managedFields = [] } = object.metadata as { managedFields?: readonly Entry[] };
  return managedFields.map(
    ({ manager, operation, subresource, fieldsV1 }) =>
      [manager, operation, subresource, fieldsV1] as const,
  );
}
