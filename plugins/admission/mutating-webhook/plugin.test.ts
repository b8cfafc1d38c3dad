import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type AdmissionRequest,
  admissionPoint,
  builtInSchema,
  type ConfigMap,
  decoderPoint,
  doorPoint,
  type KindDefinition,
  type KubeObject,
  type MutatingWebhook,
  MutatingWebhookConfiguration,
  Namespace,
  patcherPoint,
} from 'kernetes/sdk';
import {
  activate,
  admissionRequest,
  namespace,
  patchResponse,
  TestKernel,
  testDoor,
  type WebhookQuestion,
  type WebhookServer,
  webhookServer,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const configMaps = {
  group: '',
  kind: 'ConfigMap',
  resource: 'configmaps',
  storage: { prefix: 'registry/configmaps', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('', 'v1', 'ConfigMap'),
      defaults: (object: ConfigMap) => {
        object.immutable ??= false;
      },
    },
  ],
} as unknown as KindDefinition;

/** Adds what was not there to the data. */
function adds(key: string) {
  return ({ body }: WebhookQuestion) => {
    const { data = {} } = body.request.object as ConfigMap;
    if (key in data) return { response: { allowed: true } };
    const patch = { op: 'add', path: '/data', value: { ...data, [key]: '' } };
    return { response: patchResponse(patch) };
  };
}

let server: WebhookServer;
let answers: Record<string, (question: WebhookQuestion) => { response: object }> = {};
before(async () => {
  server = await webhookServer(question => {
    const path = question.path.split('?')[0] ?? '';
    return answers[path]?.(question) ?? { response: { allowed: true } };
  });
});
after(() => server.close());

function configuration(name: string, given: Partial<MutatingWebhook> = {}) {
  const webhook: MutatingWebhook = {
    name: `${name}.example.com`,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: { url: `${server.url}/${name}`, caBundle: server.caBundle },
    rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
    ...given,
  };
  return { metadata: { name }, webhooks: [webhook] };
}

async function setUp(...configurations: MutatingWebhookConfiguration[]) {
  const kernel = new TestKernel();
  const link = kernel.link('kernel');
  link.provide(doorPoint, 'door', testDoor({ kinds: [configMaps] }));
  link.provide(decoderPoint, 'decoder', {
    decode: body => ({ object: structuredClone(body) as KubeObject, unknown: [] }),
  });
  link.provide(patcherPoint, 'patcher', {
    types: ['application/json-patch+json'],
    // Enough of JSON patches for these tests: fields of the object itself are replaced.
    patch: (live, operations) => {
      const changed: Record<string, unknown> = { ...live };
      for (const { path, value } of operations as { path: string; value: unknown }[]) {
        if (path.lastIndexOf('/') > 0) throw new Error('add operation does not apply');
        changed[path.slice(1)] = value;
      }
      return changed as unknown as KubeObject;
    },
  });
  kernel.add(Namespace, namespace('default'));
  kernel.add(MutatingWebhookConfiguration, ...configurations);
  const { context, dispose } = await activate(plugin, { kernel });
  const [contribution] = context.contributions(admissionPoint).list();
  server.asked.length = 0;
  /** As the kernel does it; `between` is what other plugins do the second time. */
  const mutate = async (between: (request: AdmissionRequest) => void = () => {}) => {
    const object = { metadata: { name: 'c', namespace: 'default' } } as ConfigMap;
    const about = { resource: 'configmaps', kind: 'ConfigMap' };
    const request = { ...admissionRequest(object, about), isReinvocation: false };
    await contribution?.value.mutate?.(request);
    if (request.reinvoke) {
      request.isReinvocation = true;
      between(request);
      await contribution?.value.mutate?.(request);
    }
    const paths = server.asked.map(({ path }) => path.split('?')[0]?.slice(1)).join(' ');
    const { data } = request.object as ConfigMap;
    return { request, paths, keys: Object.keys(data ?? {}).join(' ') };
  };
  return { mutate, dispose };
}

describe('mutating webhooks', () => {
  it('are asked in the order of their names, each about what the one before left', async () => {
    answers = { '/a': adds('x'), '/b': adds('y') };
    const { mutate, dispose } = await setUp(configuration('b'), configuration('a'));
    const { paths, keys } = await mutate();
    assert.deepEqual([paths, keys], ['a b', 'x y']);
    await dispose();
  });

  it('are asked again when one after them changed the object, if they want it', async () => {
    answers = { '/a': adds('x'), '/b': adds('y') };
    const again = { reinvocationPolicy: 'IfNeeded' };
    const { mutate, dispose } = await setUp(configuration('a', again), configuration('b'));
    assert.equal((await mutate()).paths, 'a b a');
    await dispose();
  });

  it('are not asked again for what they did themselves', async () => {
    answers = { '/a': adds('x') };
    const again = { reinvocationPolicy: 'IfNeeded' };
    const { mutate, dispose } = await setUp(configuration('a', again));
    assert.equal((await mutate()).paths, 'a');
    await dispose();
  });

  it('are asked again when a plugin changed the object the second time', async () => {
    answers = { '/a': adds('x') };
    const again = { reinvocationPolicy: 'IfNeeded' };
    const { mutate, dispose } = await setUp(configuration('a', again), configuration('b'));
    const change = ({ object }: AdmissionRequest) => {
      (object as ConfigMap).binaryData = {};
    };
    assert.equal((await mutate(change)).paths, 'a b a');
    await dispose();
  });

  it('a changed object has defaults again, and the audit log hears who changed it', async () => {
    answers = { '/a': adds('x') };
    const { mutate, dispose } = await setUp(configuration('a'), configuration('b'));
    const { request } = await mutate();
    assert.equal((request.object as ConfigMap).immutable, false);
    const of = (name: string, mutated: boolean) =>
      JSON.stringify({ configuration: name, webhook: `${name}.example.com`, mutated });
    assert.deepEqual(request.auditAnnotations, {
      'mutation.webhook.admission.k8s.io/round_0_index_0': of('a', true),
      'mutation.webhook.admission.k8s.io/round_0_index_1': of('b', false),
    });
    await dispose();
  });

  const BAD: { title: string; response: object; why: RegExp }[] = [
    {
      title: 'a patch that does not apply',
      response: patchResponse({ op: 'add', path: '/a/b', value: 1 }),
      why: /^ApiError: Internal error occurred: add operation does not apply$/,
    },
    {
      title: 'a patch that is none',
      response: { allowed: true, patchType: 'JSONPatch', patch: 'e30=' },
      why: /received invalid webhook response: response.patch is no list of operations$/,
    },
    {
      title: 'a patch without a type',
      response: { allowed: true, patch: 'W10=' },
      why: /received invalid webhook response: webhook returned response.patch but not response.patchType$/,
    },
    {
      title: 'a patch of another type',
      response: { allowed: true, patch: 'W10=', patchType: 'Merge' },
      why: /received invalid webhook response: webhook returned invalid response.patchType of "Merge"$/,
    },
    {
      title: 'a refusal',
      response: { allowed: false, status: { message: 'no' } },
      why: /admission webhook "a.example.com" denied the request: no$/,
    },
  ];
  for (const { title, response, why } of BAD) {
    it(`${title} refuses the request`, async () => {
      answers = { '/a': () => ({ response }) };
      const { mutate, dispose } = await setUp(configuration('a'));
      await assert.rejects(mutate(), why);
      await dispose();
    });
  }
});
