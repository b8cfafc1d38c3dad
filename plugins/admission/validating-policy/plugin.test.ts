import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AdmissionRequest,
  ApiError,
  admissionPoint,
  builtInSchema,
  ConfigMap,
  doorPoint,
  type KindDefinition,
  kindPoint,
  Namespace,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  type ValidatingAdmissionPolicyBindingSpec,
  type ValidatingAdmissionPolicySpec,
} from 'kernetes/sdk';
import { activate, admissionRequest, namespace, TestKernel, testDoor } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function kind(group: string, name: string, resource: string): KindDefinition {
  return {
    group,
    kind: name,
    resource,
    singular: name.toLowerCase(),
    namespaced: true,
    storage: { prefix: `registry/${resource}`, version: 'v1' },
    versions: [{ name: 'v1', schema: builtInSchema(group, 'v1', name) }],
    strategy: {},
  };
}

const KINDS = [kind('apps', 'Deployment', 'deployments'), kind('', 'ConfigMap', 'configmaps')];

interface Given {
  readonly spec?: ValidatingAdmissionPolicySpec;
  readonly binding?: Partial<ValidatingAdmissionPolicyBindingSpec>;
  readonly params?: readonly ConfigMap[];
}

const RULE = {
  operations: ['CREATE', 'UPDATE'],
  apiGroups: ['apps'],
  apiVersions: ['v1'],
  resources: ['deployments'],
};

async function setUp({ spec, binding, params = [] }: Given) {
  const kernel = new TestKernel();
  const link = kernel.link('kernel');
  link.provide(doorPoint, 'door', testDoor({ kinds: KINDS, allows: ({ verb }) => verb === 'get' }));
  for (const each of KINDS) link.provide(kindPoint, each.resource, each);
  kernel.add(Namespace, namespace('default', { labels: { env: 'prod' } }), namespace('other'));
  kernel.add(ConfigMap, ...params);
  kernel.add(ValidatingAdmissionPolicy, {
    metadata: { name: 'p' },
    spec: { matchConstraints: { resourceRules: [RULE] }, ...spec },
  });
  kernel.add(ValidatingAdmissionPolicyBinding, {
    metadata: { name: 'b' },
    spec: { policyName: 'p', validationActions: ['Deny'], ...binding },
  });
  const running = await activate(plugin, { kernel });
  const contributed = () => running.context.contributions(admissionPoint).list();
  /** What the request is refused with; undefined: it is not. */
  const validate = async (request: AdmissionRequest): Promise<ApiError | undefined> => {
    try {
      await contributed()[0]?.value.validate?.(request);
      return undefined;
    } catch (error) {
      if (!ApiError.is(error)) throw error;
      return error;
    }
  };
  return { ...running, contributed, validate };
}

function deployment(replicas: number, given: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const { namespace: where = 'default' } = given;
  const object = { metadata: { name: 'd', namespace: where }, spec: { replicas } };
  const about = { group: 'apps', resource: 'deployments', kind: 'Deployment' };
  return admissionRequest(object, { ...about, ...given });
}

const limits = (name: string, max: string, labels = {}): ConfigMap => ({
  metadata: { name, namespace: 'default', labels },
  data: { max },
});

const BEGIN = `deployments.apps "d" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: `;
const PARAMS = {
  paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
  validations: [{ expression: 'object.spec.replicas <= int(params.data.max)' }],
};
const FAILED = 'failed expression: object.spec.replicas <= int(params.data.max)';

const cases: (Given & {
  readonly title: string;
  readonly request?: AdmissionRequest;
  /** What follows the beginning; undefined: let through. */
  readonly refusal: string | undefined;
})[] = [
  {
    title: 'an expression that holds',
    spec: { validations: [{ expression: 'object.spec.replicas == 5' }] },
    refusal: undefined,
  },
  {
    title: 'an expression that does not',
    spec: { validations: [{ expression: 'object.spec.replicas < 5' }] },
    refusal: 'failed expression: object.spec.replicas < 5',
  },
  {
    title: 'a message',
    spec: { validations: [{ expression: 'false', message: ' too many ' }] },
    refusal: 'too many',
  },
  {
    title: 'a message that is an expression',
    spec: {
      validations: [
        { expression: 'false', messageExpression: '"not " + string(object.spec.replicas)' },
      ],
    },
    refusal: 'not 5',
  },
  {
    title: 'a message that fails',
    spec: {
      validations: [{ expression: 'false', messageExpression: 'object.nope', message: 'no' }],
    },
    refusal: 'no',
  },
  {
    title: 'an expression that fails',
    spec: { validations: [{ expression: 'object.spec.nope' }] },
    refusal: "expression 'object.spec.nope' resulted in error: no such key: nope",
  },
  {
    title: 'an expression that fails, where that is ignored',
    spec: { failurePolicy: 'Ignore', validations: [{ expression: 'object.spec.nope' }] },
    refusal: undefined,
  },
  {
    title: 'variables made of variables',
    spec: {
      variables: [
        { name: 'n', expression: 'object.spec.replicas' },
        { name: 'twice', expression: 'variables.n * 2' },
        { name: 'unused', expression: 'object.nope' },
      ],
      validations: [{ expression: 'variables.twice != 10', message: 'ten' }],
    },
    refusal: 'ten',
  },
  {
    title: 'a variable that fails',
    spec: {
      variables: [{ name: 'n', expression: 'object.nope' }],
      validations: [{ expression: 'variables.n == 1' }],
    },
    refusal: `expression 'variables.n == 1' resulted in error: composited variable "n" fails to evaluate: no such key: nope`,
  },
  {
    title: 'the namespace, the request and the rights of who sends it',
    spec: {
      validations: [
        {
          expression:
            'namespaceObject.metadata.labels.env == "prod" && request.operation == "CREATE" && ' +
            'authorizer.group("").resource("pods").check("get").allowed() && ' +
            '!authorizer.requestResource.check("delete").allowed() && oldObject == null',
        },
      ],
    },
    refusal: undefined,
  },
  {
    title: 'conditions that rule the request out',
    spec: {
      matchConditions: [{ name: 'c', expression: 'object.spec.replicas > 10' }],
      validations: [{ expression: 'false' }],
    },
    refusal: undefined,
  },
  {
    title: 'an excluded resource',
    spec: {
      matchConstraints: { resourceRules: [RULE], excludeResourceRules: [RULE] },
      validations: [{ expression: 'false' }],
    },
    refusal: undefined,
  },
  {
    title: 'names of resources, of which it has none',
    spec: {
      matchConstraints: { resourceRules: [{ ...RULE, resourceNames: ['other'] }] },
      validations: [{ expression: 'false' }],
    },
    refusal: undefined,
  },
  {
    title: 'a binding for other namespaces',
    spec: { validations: [{ expression: 'false' }] },
    binding: { matchResources: { namespaceSelector: { matchLabels: { env: 'prod' } } } },
    request: deployment(5, { namespace: 'other' }),
    refusal: undefined,
  },
  {
    title: 'a binding for this namespace',
    spec: { validations: [{ expression: 'false', message: 'no' }] },
    binding: { matchResources: { namespaceSelector: { matchLabels: { env: 'prod' } } } },
    refusal: 'no',
  },
  {
    title: 'a parameter that allows it',
    spec: PARAMS,
    params: [limits('limits', '5')],
    binding: { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    refusal: undefined,
  },
  {
    title: 'a parameter that does not',
    spec: PARAMS,
    params: [limits('limits', '4')],
    binding: { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    refusal: FAILED,
  },
  {
    title: 'one of several parameters that does not',
    spec: PARAMS,
    params: [limits('a', '9', { x: 'y' }), limits('b', '4', { x: 'y' }), limits('c', '1')],
    binding: {
      paramRef: { selector: { matchLabels: { x: 'y' } }, parameterNotFoundAction: 'Deny' },
    },
    refusal: FAILED,
  },
  {
    title: 'a parameter of another namespace',
    spec: PARAMS,
    params: [limits('limits', '4')],
    binding: {
      paramRef: { name: 'limits', namespace: 'default', parameterNotFoundAction: 'Deny' },
    },
    request: deployment(5, { namespace: 'other' }),
    refusal: FAILED,
  },
  {
    title: 'no parameter where there must be one',
    spec: PARAMS,
    binding: { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    refusal:
      'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
  },
  {
    title: 'no parameter where none need be',
    spec: PARAMS,
    binding: { paramRef: { name: 'limits', parameterNotFoundAction: 'Allow' } },
    refusal: undefined,
  },
  {
    title: 'parameters of a kind that there is not',
    spec: { ...PARAMS, paramKind: { apiVersion: 'v1', kind: 'Moon' } },
    binding: { paramRef: { name: 'limits', parameterNotFoundAction: 'Allow' } },
    refusal: 'failed to configure binding: paramKind kind `v1, Kind=Moon` not known',
  },
  {
    title: 'expressions that cost too much',
    spec: {
      validations: [
        {
          expression: `[${'1,'.repeat(200)}1].all(a, [${'1,'.repeat(200)}1].all(b, [${'1,'.repeat(200)}1].all(c, a + b + c > 0)))`,
        },
      ],
    },
    refusal:
      'validation failed due to running out of cost budget, no further validation rules will be run',
  },
];

describe('validating admission policies', () => {
  for (const { title, request = deployment(5), refusal, ...given } of cases) {
    const verb = refusal === undefined ? 'lets through' : 'refuses';
    it(`validate() ${verb} a request by ${title}`, async () => {
      const { validate, dispose } = await setUp(given);
      const error = await validate(request);
      assert.equal(error?.message, refusal === undefined ? undefined : BEGIN + refusal);
      await dispose();
    });
  }

  for (const [reason, code] of [
    [undefined, 422],
    ['Forbidden', 403],
    ['Unauthorized', 401],
    ['RequestEntityTooLarge', 413],
  ] as const) {
    it(`a refusal for the reason ${reason ?? 'that is usual'} has code ${code}`, async () => {
      const validation = { expression: 'false', ...(reason && { reason }) };
      const { validate, dispose } = await setUp({ spec: { validations: [validation] } });
      const error = await validate(deployment(5));
      assert.deepEqual([error?.reason, error?.code], [reason ?? 'Invalid', code]);
      assert.equal(
        error?.status.details?.causes?.[0]?.message,
        `${BEGIN.slice(BEGIN.indexOf('Validating'))}failed expression: false`,
      );
      await dispose();
    });
  }

  it('a binding may warn and note instead', async () => {
    const { validate, dispose } = await setUp({
      spec: {
        validations: [{ expression: 'false', message: 'no' }],
        auditAnnotations: [
          { key: 'n', valueExpression: 'string(object.spec.replicas)' },
          { key: 'none', valueExpression: 'null' },
        ],
      },
      binding: { validationActions: ['Warn', 'Audit'] },
    });
    const request = deployment(5);
    assert.equal(await validate(request), undefined);
    assert.deepEqual(request.warnings, [
      "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no",
    ]);
    const finding = {
      message: 'no',
      policy: 'p',
      binding: 'b',
      expressionIndex: 0,
      validationActions: ['Warn', 'Audit'],
    };
    assert.deepEqual(request.auditAnnotations, {
      'validation.policy.admission.k8s.io/validation_failure': JSON.stringify([finding]),
      'p/n': '5',
    });
    await dispose();
  });

  it('is in force as long as policy and binding are there', async () => {
    const spec = { validations: [{ expression: 'false' }] };
    const { kernel, clock, contributed, dispose } = await setUp({ spec });
    assert.deepEqual(contributed()[0]?.value.rules, [
      { operations: ['CREATE', 'UPDATE'], groups: ['*'], resources: ['deployments'] },
    ]);
    await kernel.objects.delete(ValidatingAdmissionPolicyBinding, { name: 'b' });
    await clock.step(0);
    assert.equal(contributed().length, 0);
    await dispose();
  });

  it('policies are no matter for policies', async () => {
    const everything = { ...RULE, apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] };
    const { validate, dispose } = await setUp({
      spec: {
        matchConstraints: { resourceRules: [everything] },
        validations: [{ expression: 'false' }],
      },
    });
    for (const [group, resource] of [
      ['admissionregistration.k8s.io', 'validatingadmissionpolicies'],
      ['authorization.k8s.io', 'subjectaccessreviews'],
    ]) {
      assert.equal(
        await validate(deployment(5, { group: group ?? '', resource: resource ?? '' })),
        undefined,
      );
    }
    await dispose();
  });
});
