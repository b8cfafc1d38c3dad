import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type {
  FieldError,
  KindDefinition,
  KubeObject,
  MutatingWebhook,
  ParamRef,
  ValidatingAdmissionPolicySpec,
} from 'kernetes/sdk';
import { Expressions } from './expressions.ts';
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from './policies.ts';
import { webhookConfigurations } from './webhook-configurations.ts';

const expressions = new Expressions();
before(() => expressions.load());

const [mutating, validating] = webhookConfigurations(expressions) as [
  KindDefinition,
  KindDefinition,
];
const policies = validatingAdmissionPolicies(expressions);

/** As a create of a version has it: defaults, then validation. */
function created(kind: KindDefinition, version: string, given: object): FieldError[] {
  const apiVersion = `admissionregistration.k8s.io/${version}`;
  const object = { apiVersion, metadata: { name: 'x' }, ...structuredClone(given) } as KubeObject;
  kind.versions.find(({ name }) => name === version)?.defaults?.(object);
  const { strategy } = kind;
  return [...(strategy.validate?.(object) ?? []), ...(strategy.validateCreate?.(object) ?? [])];
}

const texts = (errors: readonly FieldError[]) =>
  errors.map(({ field, message }) => `${field}: ${message}`);

const RULE = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const HOOK: MutatingWebhook = {
  name: 'a.example.com',
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  clientConfig: { url: 'https://example.com/x' },
  rules: [RULE],
};

const hooks: { title: string; hook: Partial<MutatingWebhook>; errors: string[] }[] = [
  { title: 'a good one', hook: {}, errors: [] },
  {
    title: 'a name that is not qualified',
    hook: { name: 'a' },
    errors: [
      'webhooks[0].name: Invalid value: "a": should be a domain with at least three segments separated by dots',
    ],
  },
  {
    title: 'side effects that v1 does not allow',
    hook: { sideEffects: 'Unknown' },
    errors: [
      'webhooks[0].sideEffects: Unsupported value: "Unknown": supported values: "None", "NoneOnDryRun"',
    ],
  },
  {
    title: 'a timeout that is too long',
    hook: { timeoutSeconds: 31 },
    errors: [
      'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
    ],
  },
  {
    title: 'both a service and a URL',
    hook: { clientConfig: { url: 'https://x', service: { name: 's', namespace: 'n' } } },
    errors: ['webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
  },
  {
    title: 'a URL without encryption',
    hook: { clientConfig: { url: 'http://x/y' } },
    errors: [
      `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
    ],
  },
  {
    title: 'reviews that nobody knows',
    hook: { admissionReviewVersions: ['v7', 'v7'] },
    errors: [
      'webhooks[0].admissionReviewVersions[1]: Invalid value: "v7": duplicate version',
      'webhooks[0].admissionReviewVersions: Invalid value: ["v7","v7"]: must include at least one of v1, v1beta1',
    ],
  },
  {
    title: 'policies that there are not',
    hook: { failurePolicy: 'Maybe', matchPolicy: 'Nearly', reinvocationPolicy: 'Often' },
    errors: [
      'webhooks[0].failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"',
      'webhooks[0].matchPolicy: Unsupported value: "Nearly": supported values: "Equivalent", "Exact"',
      'webhooks[0].reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"',
    ],
  },
  {
    title: 'a rule about nothing',
    hook: { rules: [{}] },
    errors: [
      'webhooks[0].rules[0].operations: Required value',
      'webhooks[0].rules[0].apiGroups: Required value',
      'webhooks[0].rules[0].apiVersions: Required value',
      'webhooks[0].rules[0].resources: Required value',
    ],
  },
  {
    title: 'wildcards among others',
    hook: {
      rules: [
        {
          operations: ['*', 'CREATE', 'GET'],
          apiGroups: ['*', 'apps'],
          apiVersions: ['*', 'v1'],
          resources: ['*', 'pods', 'pods/*', 'pods/status'],
          scope: 'World',
        },
      ],
    },
    errors: [
      `webhooks[0].rules[0].operations: Invalid value: ["*","CREATE","GET"]: if '*' is present, must not specify other operations`,
      'webhooks[0].rules[0].operations[2]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
      `webhooks[0].rules[0].apiGroups: Invalid value: ["*","apps"]: if '*' is present, must not specify other API groups`,
      `webhooks[0].rules[0].apiVersions: Invalid value: ["*","v1"]: if '*' is present, must not specify other API versions`,
      `webhooks[0].rules[0].resources[3]: Invalid value: "pods/status": if 'pods/*' is present, must not specify pods/status`,
      `webhooks[0].rules[0].resources: Invalid value: ["*","pods","pods/*","pods/status"]: if '*' is present, must not specify other resources without subresources`,
      'webhooks[0].rules[0].scope: Unsupported value: "World": supported values: "*", "Cluster", "Namespaced"',
    ],
  },
  {
    title: 'a condition twice, and one that names nothing',
    hook: {
      matchConditions: [
        { name: 'a', expression: 'true' },
        { name: 'a', expression: '1' },
        { name: '', expression: ' ' },
      ],
    },
    errors: [
      'webhooks[0].matchConditions[1].expression: Invalid value: "1": must evaluate to bool',
      'webhooks[0].matchConditions[1].name: Duplicate value: "a"',
      'webhooks[0].matchConditions[2].expression: Required value',
      'webhooks[0].matchConditions[2].name: Required value',
    ],
  },
];

describe('webhook configurations', () => {
  for (const { title, hook, errors } of hooks) {
    it(`validate() finds ${errors.length} errors in ${title}`, () => {
      const found = created(mutating, 'v1', { webhooks: [{ ...HOOK, ...hook }] });
      assert.deepEqual(texts(found), errors);
    });
  }

  it('names are unique in v1 and need not be in v1beta1', () => {
    const twice = { webhooks: [HOOK, HOOK] };
    assert.deepEqual(texts(created(validating, 'v1', twice)), [
      'webhooks[1].name: Duplicate value: "a.example.com"',
    ]);
    assert.deepEqual(created(validating, 'v1beta1', twice), []);
  });

  it('the versions have defaults of their own', () => {
    const { name, clientConfig } = HOOK;
    const of = (version: string) => {
      const object = { metadata: {}, webhooks: [{ name, clientConfig, rules: [{ ...RULE }] }] };
      mutating.versions.find(each => each.name === version)?.defaults?.(object);
      return object.webhooks[0];
    };
    const common = {
      name,
      clientConfig,
      rules: [{ ...RULE, scope: '*' }],
      namespaceSelector: {},
      objectSelector: {},
      reinvocationPolicy: 'Never',
    };
    const v1 = { failurePolicy: 'Fail', matchPolicy: 'Equivalent', timeoutSeconds: 10 };
    assert.deepEqual(of('v1'), { ...common, ...v1 });
    assert.deepEqual(of('v1beta1'), {
      ...common,
      failurePolicy: 'Ignore',
      matchPolicy: 'Exact',
      timeoutSeconds: 30,
      sideEffects: 'Unknown',
      admissionReviewVersions: ['v1beta1'],
    });
  });

  it('what an old one may have may stay', () => {
    const old = { metadata: {}, webhooks: [{ ...HOOK, sideEffects: 'Some' }] } as KubeObject;
    const { strategy } = mutating;
    const added = { ...old, webhooks: [{ ...HOOK, sideEffects: 'Unknown' }] };
    assert.deepEqual(strategy.validateUpdate?.(added, old), []);
    assert.equal(strategy.validateCreate?.(old).length, 1);
  });
});

const MATCH = { resourceRules: [RULE] };
const specs: { title: string; spec: ValidatingAdmissionPolicySpec; errors: string[] }[] = [
  {
    title: 'a good one',
    spec: {
      matchConstraints: MATCH,
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      variables: [
        { name: 'n', expression: 'object.spec.replicas' },
        { name: 'twice', expression: 'variables.n + variables.n' },
      ],
      validations: [
        {
          expression: 'variables.twice < 10 && params.data.max != "" && request.name != ""',
          messageExpression: '"too many in " + namespaceObject.metadata.name',
          reason: 'Forbidden',
        },
        { expression: 'authorizer.group("").resource("pods").check("get").allowed()' },
      ],
      auditAnnotations: [{ key: 'n', valueExpression: 'string(variables.n)' }],
    },
    errors: [],
  },
  {
    title: 'nothing',
    spec: {},
    errors: [
      'spec.matchConstraints: Required value',
      'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
      'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
    ],
  },
  {
    title: 'constraints without a rule',
    spec: { matchConstraints: {}, validations: [{ expression: 'true' }] },
    errors: ['spec.matchConstraints.resourceRules: Required value'],
  },
  {
    title: 'a message of lines, and an unknown reason',
    spec: {
      matchConstraints: MATCH,
      validations: [
        { expression: 'true', message: 'a\nb', reason: 'Moon' },
        { expression: 'true ||\nfalse', messageExpression: ' ' },
      ],
    },
    errors: [
      'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
      'spec.validations[0].reason: Unsupported value: "Moon": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"',
      'spec.validations[1].messageExpression: Invalid value: " ": must be non-empty if specified',
      'spec.validations[1].message: Required value: message must be specified if expression contains line breaks',
    ],
  },
  {
    title: 'names that are none',
    spec: {
      matchConstraints: MATCH,
      paramKind: { apiVersion: 'a/b/c', kind: 'No Kind' },
      variables: [{ name: 'a-b', expression: '' }],
      validations: [{ expression: 'true' }],
      auditAnnotations: [{ key: 'a b', valueExpression: '1' }],
    },
    errors: [
      'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
      `spec.paramKind.kind: Invalid value: "No Kind": may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
      'spec.variables[0].name: Invalid value: "a-b": name is not a valid CEL identifier',
      'spec.variables[0].expression: Required value: expression is not specified',
      `spec.auditAnnotations[0].key: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type]',
    ],
  },
];

describe('validating admission policies', () => {
  for (const { title, spec, errors } of specs) {
    it(`validate() finds ${errors.length} errors in ${title}`, () => {
      assert.deepEqual(texts(created(policies, 'v1', { spec })), errors);
    });
  }

  it('validate() tells where an expression is wrong', () => {
    const validations = [{ expression: 'params.x == 1' }, { expression: 'variables.none' }];
    const found = created(policies, 'v1', { spec: { matchConstraints: MATCH, validations } });
    assert.match(found[0]?.message ?? '', /compilation failed: .*undeclared reference to 'params'/);
    assert.match(found[1]?.message ?? '', /compilation failed: .*undefined field 'none'/);
  });
});

const refs: { title: string; paramRef?: ParamRef; actions: string[]; errors: string[] }[] = [
  { title: 'a good one', actions: ['Deny', 'Audit'], errors: [] },
  {
    title: 'no action',
    actions: [],
    errors: ['spec.validationActions: Required value: at least one validation action is required'],
  },
  {
    title: 'actions that say the same',
    actions: ['Deny', 'Warn', 'Warn', 'Sing'],
    errors: [
      'spec.validationActions[2]: Duplicate value: "Warn"',
      'spec.validationActions[3]: Unsupported value: "Sing": supported values: "Audit", "Deny", "Warn"',
      'spec.validationActions: Invalid value: ["Deny","Warn","Warn","Sing"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    ],
  },
  {
    title: 'parameters by name and selector',
    paramRef: { name: 'a', selector: {}, parameterNotFoundAction: 'Maybe' },
    actions: ['Deny'],
    errors: [
      'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      'spec.paramRef.parameterNotFoundAction: Unsupported value: "Maybe": supported values: "Allow", "Deny"',
    ],
  },
  {
    title: 'parameters that are not named',
    paramRef: {},
    actions: ['Deny'],
    errors: [
      'spec.paramRef: Required value: one of name or selector must be specified',
      'spec.paramRef.parameterNotFoundAction: Required value',
    ],
  },
];

describe('bindings of policies', () => {
  for (const { title, paramRef, actions, errors } of refs) {
    it(`validate() finds ${errors.length} errors in ${title}`, () => {
      const spec = { policyName: 'p', validationActions: actions, ...(paramRef && { paramRef }) };
      assert.deepEqual(texts(created(validatingAdmissionPolicyBindings, 'v1', { spec })), errors);
    });
  }
});
