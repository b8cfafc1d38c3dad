import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type AdmissionRequest,
  ApiError,
  admissionPoint,
  builtInSchema,
  doorPoint,
  type KindDefinition,
  Namespace,
  type ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from 'kernetes/sdk';
import {
  activate,
  admissionRequest,
  namespace,
  pod,
  TestKernel,
  testDoor,
  type WebhookAnswer,
  type WebhookServer,
  webhookServer,
} from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const ALLOWED: WebhookAnswer = { response: { allowed: true } };

function kind(group: string, name: string, resource: string, ...versions: string[]) {
  const schema = builtInSchema('', 'v1', 'Pod');
  return {
    group,
    kind: name,
    resource,
    storage: { prefix: `registry/${resource}`, version: versions[0] },
    versions: versions.map(each => ({ name: each, schema })),
  } as unknown as KindDefinition;
}

const door = testDoor({
  kinds: [
    kind('', 'Pod', 'pods', 'v1'),
    kind('', 'Namespace', 'namespaces', 'v1'),
    kind('networking.k8s.io', 'Ingress', 'ingresses', 'v1'),
    kind('extensions', 'Ingress', 'ingresses', 'v1beta1'),
  ],
});

let server: WebhookServer;
let answers: Record<string, WebhookAnswer> = {};
before(async () => {
  server = await webhookServer(({ path }) => answers[path.split('?')[0] ?? ''] ?? ALLOWED);
});
after(() => server.close());

function hook(given: Partial<ValidatingWebhook> & { path?: string } = {}): ValidatingWebhook {
  const { path = '/', ...rest } = given;
  return {
    name: 'a.example.com',
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: { url: `${server.url}${path}`, caBundle: server.caBundle },
    rules: [
      { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: '*' },
    ],
    ...rest,
  };
}

async function setUp(...webhooks: ValidatingWebhook[]) {
  const kernel = new TestKernel();
  kernel.link('kernel').provide(doorPoint, 'door', door);
  const labels = { env: 'prod' };
  kernel.add(Namespace, namespace('default', { labels }), namespace('other'));
  if (webhooks.length > 0) {
    kernel.add(ValidatingWebhookConfiguration, { metadata: { name: 'c' }, webhooks });
  }
  const running = await activate(plugin, { kernel });
  const contributed = () => running.context.contributions(admissionPoint).list();
  const validate = async (request: AdmissionRequest) => {
    server.asked.length = 0;
    await contributed()[0]?.value.validate?.(request);
    return server.asked.length;
  };
  return { ...running, contributed, validate };
}

/** The refusal's text, reason and code. */
async function refusal(promise: Promise<unknown>): Promise<unknown[]> {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  if (!ApiError.is(error)) throw error;
  return [error.message, error.status.reason, error.code];
}

const create = (given: Partial<AdmissionRequest> = {}, labels = {}) =>
  admissionRequest(pod('p', { metadata: { namespace: 'default', labels } }), given);

const matching: {
  title: string;
  hook: Partial<ValidatingWebhook>;
  request: () => AdmissionRequest;
  calls: number;
}[] = [
  { title: 'what a rule names', hook: {}, request: () => create(), calls: 1 },
  {
    title: 'another resource',
    hook: {},
    request: () => create({ resource: 'secrets' }),
    calls: 0,
  },
  { title: 'a subresource', hook: {}, request: () => create({ subresource: 'status' }), calls: 0 },
  {
    title: 'a subresource that a wildcard names',
    hook: { rules: [{ ...RULE('pods/*'), operations: ['CREATE'] }] },
    request: () => create({ subresource: 'status' }),
    calls: 1,
  },
  {
    title: 'any resource, by wildcards',
    hook: { rules: [{ ...RULE('*/*'), apiGroups: ['*'], apiVersions: ['*'] }] },
    request: () => create({ subresource: 'status' }),
    calls: 1,
  },
  {
    title: 'another operation',
    hook: { rules: [{ ...RULE('pods'), operations: ['UPDATE', 'DELETE'] }] },
    request: () => create(),
    calls: 0,
  },
  {
    title: 'what is in a namespace, where the cluster is meant',
    hook: { rules: [{ ...RULE('pods'), scope: 'Cluster' }] },
    request: () => create(),
    calls: 0,
  },
  {
    title: 'a namespace, which is in none',
    hook: { rules: [{ ...RULE('namespaces'), scope: 'Cluster' }] },
    request: () => admissionRequest(namespace('n'), { resource: 'namespaces', kind: 'Namespace' }),
    calls: 1,
  },
  {
    title: 'what is in a namespace of these labels',
    hook: { namespaceSelector: { matchLabels: { env: 'prod' } } },
    request: () => create(),
    calls: 1,
  },
  {
    title: 'what is in another namespace',
    hook: { namespaceSelector: { matchLabels: { env: 'prod' } } },
    request: () => create({ namespace: 'other' }),
    calls: 0,
  },
  {
    title: 'a namespace, by its own labels',
    hook: {
      rules: [RULE('namespaces')],
      namespaceSelector: { matchLabels: { env: 'prod' } },
    },
    request: () =>
      admissionRequest(namespace('new', { labels: { env: 'prod' } }), {
        resource: 'namespaces',
        kind: 'Namespace',
      }),
    calls: 1,
  },
  {
    title: 'an object without the labels',
    hook: { objectSelector: { matchLabels: { a: 'b' } } },
    request: () => create(),
    calls: 0,
  },
  {
    title: 'an object that had the labels',
    hook: { objectSelector: { matchLabels: { a: 'b' } } },
    request: () => create({ oldObject: pod('p', { metadata: { labels: { a: 'b' } } }) }),
    calls: 1,
  },
  {
    title: 'the same objects under another name',
    hook: {
      rules: [{ ...RULE('ingresses'), apiGroups: ['networking.k8s.io'] }],
      matchPolicy: 'Equivalent',
    },
    request: () => create(OLD_INGRESS),
    calls: 1,
  },
  {
    title: 'the same objects under another name, where just the one is meant',
    hook: {
      rules: [{ ...RULE('ingresses'), apiGroups: ['networking.k8s.io'] }],
      matchPolicy: 'Exact',
    },
    request: () => create(OLD_INGRESS),
    calls: 0,
  },
  {
    title: 'what its conditions let through',
    hook: {
      matchConditions: [
        { name: 'a', expression: 'request.operation == "CREATE"' },
        { name: 'b', expression: 'object.metadata.name == "p"' },
      ],
    },
    request: () => create(),
    calls: 1,
  },
  {
    title: 'what one of its conditions rules out, though another fails',
    hook: {
      matchConditions: [
        { name: 'a', expression: 'object.metadata.labels.nope == ""' },
        { name: 'b', expression: 'false' },
      ],
    },
    request: () => create(),
    calls: 0,
  },
  {
    title: 'webhooks themselves',
    hook: { rules: [{ ...RULE('*/*'), apiGroups: ['*'], apiVersions: ['*'] }] },
    request: () =>
      create({
        group: 'admissionregistration.k8s.io',
        resource: 'validatingwebhookconfigurations',
      }),
    calls: 0,
  },
];

function RULE(resource: string) {
  return { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: [resource] };
}

const OLD_INGRESS = {
  group: 'extensions',
  version: 'v1beta1',
  resource: 'ingresses',
  kind: 'Ingress',
  object: { apiVersion: 'extensions/v1beta1', kind: 'Ingress', metadata: { name: 'p' } },
};

describe('validating webhooks', () => {
  for (const { title, hook: given, request, calls } of matching) {
    it(`validate() calls ${calls} webhooks about ${title}`, async () => {
      answers = {};
      const { validate, dispose } = await setUp(hook(given));
      assert.equal(await validate(request()), calls);
      await dispose();
    });
  }

  it('nothing is contributed while there is no webhook', async () => {
    const { kernel, clock, contributed, dispose } = await setUp();
    assert.equal(contributed().length, 0);
    kernel.add(ValidatingWebhookConfiguration, { metadata: { name: 'c' }, webhooks: [hook()] });
    await clock.step(0);
    assert.deepEqual(contributed()[0]?.value.rules, [
      { operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'], groups: ['*'], resources: ['pods'] },
    ]);
    await kernel.objects.delete(ValidatingWebhookConfiguration, { name: 'c' });
    await clock.step(0);
    assert.equal(contributed().length, 0);
    await dispose();
  });

  it('a webhook sees the version that it asked for', async () => {
    answers = {};
    const rules = [{ ...RULE('ingresses'), apiGroups: ['networking.k8s.io'] }];
    const { validate, dispose } = await setUp(hook({ rules }));
    await validate(create(OLD_INGRESS));
    const { kind: seen, requestKind, object } = server.asked[0]?.body.request ?? {};
    assert.deepEqual(seen, { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress' });
    assert.deepEqual(requestKind, { group: 'extensions', version: 'v1beta1', kind: 'Ingress' });
    assert.equal((object as { apiVersion: string }).apiVersion, 'networking.k8s.io/v1');
    await dispose();
  });

  const REFUSALS: { title: string; answer: WebhookAnswer; told: unknown[] }[] = [
    {
      title: 'a refusal with a status',
      answer: { response: { allowed: false, status: { message: 'no', reason: 'X', code: 418 } } },
      told: ['admission webhook "a.example.com" denied the request: no', 'X', 418],
    },
    {
      title: 'a refusal with a reason',
      answer: { response: { allowed: false, status: { reason: 'X', code: 200 } } },
      told: ['admission webhook "a.example.com" denied the request: X', 'X', 400],
    },
    {
      title: 'a refusal without a word',
      answer: { response: {} },
      told: [
        'admission webhook "a.example.com" denied the request without explanation',
        undefined,
        400,
      ],
    },
    {
      title: 'an answer to another question',
      answer: { response: { uid: 'other', allowed: true } },
      told: [
        /^Internal error occurred: failed calling webhook "a.example.com": received invalid webhook response: expected response.uid="[^"]+", got "other"$/,
        'InternalError',
        500,
      ],
    },
    {
      title: 'a patch, which it may not',
      answer: { response: { allowed: true, patchType: 'JSONPatch', patch: 'W10=' } },
      told: [
        /received invalid webhook response: validating webhook may not return response.patch$/,
        'InternalError',
        500,
      ],
    },
    {
      title: 'no response at all',
      answer: { code: 200, text: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}' },
      told: [
        /received invalid webhook response: webhook response was absent$/,
        'InternalError',
        500,
      ],
    },
    {
      title: 'another kind of review',
      answer: {
        code: 200,
        text: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}',
      },
      told: [
        /expected webhook response of admission.k8s.io\/v1, Kind=AdmissionReview, got admission.k8s.io\/v1beta1, Kind=AdmissionReview$/,
        'InternalError',
        500,
      ],
    },
    {
      title: 'an error',
      answer: { code: 500, text: 'boom' },
      told: [
        'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: an error on the server ("boom") has prevented the request from succeeding',
        'InternalError',
        500,
      ],
    },
  ];
  for (const { title, answer, told } of REFUSALS) {
    it(`validate() refuses after ${title}`, async () => {
      answers = { '/': answer };
      const { validate, dispose } = await setUp(hook());
      const [message, ...rest] = await refusal(validate(create()));
      const [text, ...others] = told;
      if (text instanceof RegExp) assert.match(String(message), text);
      else assert.equal(message, text);
      assert.deepEqual(rest, others);
      await dispose();
    });
  }

  it('a failure is consent where the webhook says so; a refusal is not', async () => {
    answers = { '/': { code: 500, text: 'boom' } };
    const { validate, dispose } = await setUp(hook({ failurePolicy: 'Ignore' }));
    assert.equal(await validate(create()), 1);
    answers = { '/': { response: { allowed: false } } };
    await refusal(validate(create()));
    await dispose();
  });

  it('conditions that fail refuse, unless failures are ignored', async () => {
    answers = {};
    const matchConditions = [{ name: 'a', expression: 'object.spec.nope == 1' }];
    const strict = await setUp(hook({ matchConditions }));
    assert.deepEqual(await refusal(strict.validate(create())), [
      `pods "p" is forbidden: expression 'object.spec.nope == 1' resulted in error: no such key: nope`,
      'Forbidden',
      403,
    ]);
    await strict.dispose();
    const lenient = await setUp(hook({ matchConditions, failurePolicy: 'Ignore' }));
    assert.equal(await lenient.validate(create()), 0);
    await lenient.dispose();
  });

  it('a webhook with side effects is not for dry runs', async () => {
    answers = {};
    const { validate, dispose } = await setUp(hook({ sideEffects: 'Some' }));
    assert.deepEqual(await refusal(validate(create({ dryRun: true }))), [
      'admission webhook "a.example.com" does not support dry run',
      'BadRequest',
      400,
    ]);
    await dispose();
  });

  it('a webhook that does not answer in time is one that failed', async () => {
    answers = { '/': 'never' };
    const { validate, clock, dispose } = await setUp(hook({ timeoutSeconds: 3 }));
    const pending = refusal(validate(create()));
    while (server.asked.length === 0) await clock.step(0);
    await clock.step(3_000);
    const [message] = await pending;
    assert.match(
      String(message),
      /failed to call webhook: Post "https:.*\?timeout=3s": context deadline exceeded$/,
    );
    await dispose();
  });

  it('all are asked at once, and the first in order is told', async () => {
    const no = (message: string): WebhookAnswer => ({
      response: { allowed: false, status: { message } },
    });
    answers = { '/a': no('first'), '/b': no('second') };
    const { validate, dispose } = await setUp(
      hook({ path: '/a' }),
      hook({ path: '/b', name: 'b.example.com' }),
    );
    const [message] = await refusal(validate(create()));
    assert.equal(message, 'admission webhook "a.example.com" denied the request: first');
    assert.equal(server.asked.length, 2);
    await dispose();
  });

  it('warnings are for the client, within bounds, and annotations for the audit log', async () => {
    const warnings = ['careful', 'x'.repeat(300)];
    answers = { '/': { response: { allowed: true, warnings, auditAnnotations: { k: 'v' } } } };
    const { validate, dispose } = await setUp(hook());
    const request = create();
    await validate(request);
    assert.deepEqual(request.warnings, ['careful', 'x'.repeat(256)]);
    assert.deepEqual(request.auditAnnotations, { 'a.example.com/k': 'v' });
    await dispose();
  });

  it('a webhook is told what is asked for, by whom, in the version of reviews that it knows', async () => {
    answers = {};
    const { validate, dispose } = await setUp(hook({ admissionReviewVersions: ['v9', 'v1beta1'] }));
    const user = { name: 'alice', uid: '7', groups: ['dev'], extra: { a: ['b'] } };
    await validate(create({ user, dryRun: true, options: { fieldManager: 'm' } }));
    const { body } = server.asked[0] ?? {};
    const { uid, object, ...rest } = body?.request ?? {};
    assert.equal(body?.apiVersion, 'admission.k8s.io/v1beta1');
    assert.equal(typeof uid, 'string');
    assert.equal((object as { kind: string }).kind, 'Pod');
    assert.deepEqual(rest, {
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      name: 'p',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'alice', uid: '7', groups: ['dev'], extra: { a: ['b'] } },
      dryRun: true,
      options: {
        kind: 'CreateOptions',
        apiVersion: 'meta.k8s.io/v1',
        dryRun: ['All'],
        fieldManager: 'm',
      },
      oldObject: null,
    });
    await dispose();
  });
});
