import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import {
  ApiError,
  ConfigMap,
  Deployment,
  type Kind,
  type KubeObject,
  MutatingWebhookConfiguration,
  Secret,
  Service,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from 'kernetes/sdk';
import {
  patchResponse,
  type WebhookQuestion,
  type WebhookServer,
  webhookServer,
} from 'kernetes/sdk/testing';
import { crdOf, establish, versionOf } from './crds.ts';
import { until } from './eventually.ts';
import { Http } from './http.ts';
import { withoutKubectl } from './kubectl.ts';

/** Admission and conversion by servers and policies that users bring, as clients see it. */

interface Widget extends KubeObject {
  spec?: { size?: number; length?: number };
}

const GROUP = 'shop.example.com';
const widgets = (version: string): Kind<Widget> => ({
  group: GROUP,
  version,
  kind: 'Widget',
  resource: 'widgets',
  namespaced: true,
});

let folder: string;
let cluster: Cluster;
let server: WebhookServer;
let kubeconfig: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamic-admission-'));
  server = await webhookServer(answer, { names: ['hook.default.svc'] });
  cluster = await createCluster({ nodes: 0, listen: '127.0.0.1:0' });
  kubeconfig = await cluster.kubeconfig();
});
after(async () => {
  await cluster.close();
  await server.close();
  await rm(folder, { recursive: true });
});

function answer({ path, body: { request } }: WebhookQuestion) {
  const object = request.object as ConfigMap | undefined;
  if (path.startsWith('/label')) {
    const labels = { ...object?.metadata.labels, by: 'webhook' };
    return { response: patchResponse({ op: 'add', path: '/metadata/labels', value: labels }) };
  }
  if (path.startsWith('/convert')) return { response: converted(request) };
  if (object?.data?.bad === undefined) {
    return { response: { allowed: true, warnings: ['look twice'] } };
  }
  return { response: { allowed: false, status: { message: 'that is bad' } } };
}

/** `size` of v1 is `length` in v2. */
function converted({ desiredAPIVersion, objects }: WebhookQuestion['body']['request']) {
  const convertedObjects = (objects as Widget[]).map(({ spec, ...rest }) => {
    const size = spec?.size ?? spec?.length;
    const field = desiredAPIVersion === `${GROUP}/v2` ? 'length' : 'size';
    return { ...rest, apiVersion: desiredAPIVersion, spec: { [field]: size } };
  });
  if (convertedObjects.some(({ metadata }) => metadata.name === 'cursed')) {
    return { result: { status: 'Failure', message: 'it is cursed' } };
  }
  return { result: { status: 'Success' }, convertedObjects };
}

const RULES = [
  {
    operations: ['CREATE'],
    apiGroups: [''],
    apiVersions: ['v1'],
    resources: ['configmaps', 'services'],
  },
  { operations: ['DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'] },
];
const WEBHOOK = { admissionReviewVersions: ['v1'], sideEffects: 'None', rules: RULES };
/** Others' objects are none of these tests' business. */
const MINE = [{ name: 'mine', expression: 'request.name.startsWith("my-")' }];

const map = (name: string, data: Record<string, string> = {}) => ({
  metadata: { name, namespace: 'default' },
  data,
});

async function outcome(object: ConfigMap): Promise<string> {
  try {
    const made = await cluster.objects.create(ConfigMap, object);
    await cluster.objects.delete(ConfigMap, {
      namespace: 'default',
      name: object.metadata.name ?? '',
    });
    return `made ${JSON.stringify(made.metadata.labels ?? {})}`;
  } catch (error) {
    if (!ApiError.is(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

/** What kubectl says, wherever, of a command that may fail. */
function said(command: string): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  return new Promise(resolve => {
    execFile('kubectl', command.split(' '), { env }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

describe('webhooks', () => {
  before(async () => {
    const { caBundle, url } = server;
    await cluster.objects.create(Service, {
      metadata: { name: 'hook', namespace: 'default' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    await cluster.objects.create(MutatingWebhookConfiguration, {
      metadata: { name: 'label' },
      webhooks: [
        {
          ...WEBHOOK,
          name: 'label.example.com',
          matchConditions: MINE,
          clientConfig: { url: `${url}/label`, caBundle },
        },
      ],
    });
    await cluster.objects.create(ValidatingWebhookConfiguration, {
      metadata: { name: 'check' },
      webhooks: [
        {
          ...WEBHOOK,
          name: 'check.example.com',
          matchConditions: MINE,
          clientConfig: { url: `${url}/check`, caBundle },
        },
      ],
    });
    await until(async () => (await outcome(map('my-x', { bad: '' }))).startsWith('400'));
    await until(async () => (await outcome(map('my-x'))) === 'made {"by":"webhook"}');
  });
  after(async () => {
    await cluster.objects.delete(MutatingWebhookConfiguration, { name: 'label' });
    await cluster.objects.delete(ValidatingWebhookConfiguration, { name: 'check' });
  });

  it('change objects and refuse them, those that they are about', async () => {
    assert.equal(await outcome(map('my-a')), 'made {"by":"webhook"}');
    assert.equal(await outcome(map('other', { bad: '' })), 'made {}');
    assert.equal(
      await outcome(map('my-b', { bad: '' })),
      '400 admission webhook "check.example.com" denied the request: that is bad',
    );
  });

  it('let the other plugins run once more, which allocate nothing twice', async () => {
    const { metadata, spec } = await cluster.objects.create(Service, {
      metadata: { name: 'my-service', namespace: 'default' },
      spec: { type: 'NodePort', ports: [{ port: 80 }] },
    });
    assert.deepEqual(metadata.labels, { by: 'webhook' });
    assert.ok(spec?.clusterIP && spec.ports?.[0]?.nodePort);
  });

  it('are told what is deleted, and cannot change it', async () => {
    const at = { namespace: 'default', name: 'my-secret' };
    await cluster.objects.create(Secret, { metadata: at });
    await assert.rejects(
      cluster.objects.delete(Secret, at),
      /admission webhook "label.example.com" attempted to modify the object, which is not supported for this operation/,
    );
    const { object, oldObject, options } = server.asked.at(-1)?.body.request ?? {};
    assert.equal(object, null);
    assert.equal((oldObject as KubeObject).kind, 'Secret');
    assert.equal((options as KubeObject).kind, 'DeleteOptions');
  });

  it('make kubectl warn and tell why not', { skip: withoutKubectl() }, async () => {
    assert.equal(
      await said('create configmap my-c --from-literal=a=b'),
      'configmap/my-c created\nWarning: look twice\n',
    );
    assert.match(
      await said('create configmap my-d --from-literal=bad=b'),
      /admission webhook "check.example.com" denied the request: that is bad/,
    );
  });

  it('that are not there keep objects from being made, and say so', async () => {
    const name = 'gone.example.com';
    const service = { name: 'nobody', namespace: 'default' };
    const matchConditions = [{ name: 'gone', expression: 'object.metadata.name == "gone"' }];
    await cluster.objects.create(ValidatingWebhookConfiguration, {
      metadata: { name: 'gone' },
      webhooks: [{ ...WEBHOOK, name, matchConditions, clientConfig: { service } }],
    });
    await until(async () => (await outcome(map('gone'))).startsWith('500'));
    assert.equal(
      await outcome(map('gone')),
      '500 Internal error occurred: failed calling webhook "gone.example.com": failed to call webhook: ' +
        'Post "https://nobody.default.svc:443/?timeout=10s": service "nobody" not found',
    );
    await cluster.objects.delete(ValidatingWebhookConfiguration, { name: 'gone' });
  });

  it('behind a service are called by its name', async () => {
    const service = { name: 'hook', namespace: 'default', path: '/service', port: server.port };
    const matchConditions = [{ name: 'via', expression: 'object.metadata.name == "via"' }];
    const clientConfig = { service, caBundle: server.caBundle };
    await cluster.objects.create(ValidatingWebhookConfiguration, {
      metadata: { name: 'via' },
      webhooks: [{ ...WEBHOOK, name: 'via.example.com', matchConditions, clientConfig }],
    });
    await until(async () => (await outcome(map('via', { bad: '' }))).startsWith('400'));
    const { host, path } = server.asked.at(-1) ?? {};
    assert.deepEqual([host, path], [`hook.default.svc:${server.port}`, '/service?timeout=10s']);
    await cluster.objects.delete(ValidatingWebhookConfiguration, { name: 'via' });
  });
});

describe('validating admission policies', () => {
  it('are in force at once, and told of like upstream tells', async () => {
    await cluster.objects.create(ValidatingAdmissionPolicy, {
      metadata: { name: 'small' },
      spec: {
        matchConstraints: {
          resourceRules: [
            {
              operations: ['CREATE'],
              apiGroups: ['apps'],
              apiVersions: ['v1'],
              resources: ['deployments'],
            },
          ],
        },
        validations: [{ expression: 'object.spec.replicas <= 2', message: 'at most two' }],
      },
    });
    await cluster.objects.create(ValidatingAdmissionPolicyBinding, {
      metadata: { name: 'here' },
      spec: { policyName: 'small', validationActions: ['Deny'] },
    });
    const labels = { app: 'x' };
    const containers = [{ name: 'c', image: 'i' }];
    const create = (replicas: number) =>
      cluster.objects.create(
        Deployment,
        {
          metadata: { name: 'd', namespace: 'default' },
          spec: {
            replicas,
            selector: { matchLabels: labels },
            template: { metadata: { labels }, spec: { containers } },
          },
        },
        { dryRun: true },
      );
    let error: unknown;
    await until(async () => {
      error = await create(3).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return error !== undefined;
    });
    assert.ok(ApiError.is(error, 'Invalid'));
    assert.equal(
      error.message,
      `deployments.apps "d" is forbidden: ValidatingAdmissionPolicy 'small' with binding 'here' denied request: at most two`,
    );
    await create(2);
  });
});

describe('conversion webhooks', () => {
  before(async () => {
    const { caBundle, url } = server;
    const version = (name: string, field: string) => {
      const spec = { type: 'object', properties: { [field]: { type: 'integer' } } };
      return versionOf(name, { properties: { spec } });
    };
    const conversion = {
      strategy: 'Webhook',
      webhook: {
        conversionReviewVersions: ['v1'],
        clientConfig: { url: `${url}/convert`, caBundle },
      },
    };
    const versions = [version('v1', 'size'), version('v2', 'length')];
    await establish(cluster, crdOf({ group: GROUP, kind: 'Widget', versions, conversion }));
  });

  const widget = (name: string, spec: Widget['spec']) => ({
    metadata: { name, namespace: 'default' },
    ...(spec && { spec }),
  });

  it('show objects in every version, however they were written', async () => {
    const { objects } = cluster;
    await objects.create(widgets('v1'), widget('a', { size: 1 }));
    const made = await objects.create(widgets('v2'), widget('b', { length: 2 }));
    assert.deepEqual(made.spec, { length: 2 });
    const at = (name: string) => ({ namespace: 'default', name });
    assert.deepEqual((await objects.get(widgets('v2'), at('a'))).spec, { length: 1 });
    assert.deepEqual((await objects.get(widgets('v1'), at('b'))).spec, { size: 2 });
    const { items } = await objects.list(widgets('v2'), { namespace: 'default' });
    assert.deepEqual(
      items.map(({ spec }) => spec?.length),
      [1, 2],
    );
    await objects.patch(widgets('v2'), at('a'), { spec: { length: 3 } });
    assert.deepEqual((await objects.get(widgets('v1'), at('a'))).spec, { size: 3 });
  });

  it('let several versions be applied', { skip: withoutKubectl() }, async () => {
    const apply = async (version: string, manager: string, spec: object) => {
      const file = join(folder, `${version}.json`);
      const metadata = { name: 'applied', namespace: 'default' };
      const object = { apiVersion: `${GROUP}/${version}`, kind: 'Widget', metadata, spec };
      await writeFile(file, JSON.stringify(object));
      return said(`apply --server-side --field-manager=${manager} -f ${file}`);
    };
    const done = `widget.${GROUP}/applied serverside-applied\n`;
    assert.equal(await apply('v1', 'one', { size: 1 }), done);
    assert.match(await apply('v2', 'two', { length: 2 }), /conflict with "one": .spec.size/);
    assert.equal(await apply('v2', 'one', { length: 2 }), done);
  });

  it('that fail are told of', async () => {
    await cluster.objects.create(widgets('v1'), widget('cursed', { size: 1 }));
    const path = `/apis/${GROUP}/v2/namespaces/default/widgets/cursed`;
    const reply = await Http.of(kubeconfig).call('GET', path);
    assert.equal(reply.code, 500);
    assert.match(
      reply.body.toString(),
      /conversion webhook for shop.example.com\/v1, Kind=Widget failed: it is cursed/,
    );
  });
});
