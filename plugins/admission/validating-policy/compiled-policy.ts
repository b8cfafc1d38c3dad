import {
  type Cel,
  CelCompileError,
  type CelCompileOptions,
  type CelResultType,
  type CompiledExpression,
  type Criteria,
  compiled,
  conditionsOf,
  criteriaOf,
  environment,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicyBinding,
  type Validation,
} from 'kernetes/sdk';

/** A policy ready to be held against requests. */
export interface CompiledPolicy {
  readonly name: string;
  readonly policy: ValidatingAdmissionPolicy;
  readonly criteria: Criteria;
  readonly ignoresFailure: boolean;
  readonly conditions: readonly CompiledExpression[];
  readonly variables: readonly { readonly name: string; readonly value: CompiledExpression }[];
  readonly validations: readonly CompiledValidation[];
  readonly annotations: readonly { readonly key: string; readonly value: CompiledExpression }[];
  readonly bindings: readonly CompiledBinding[];
}

export interface CompiledValidation {
  readonly validation: Validation;
  readonly holds: CompiledExpression;
  readonly message: CompiledExpression | undefined;
}

export interface CompiledBinding {
  readonly name: string;
  readonly binding: ValidatingAdmissionPolicyBinding;
  /** Absent: whatever the policy is about. */
  readonly criteria: Criteria | undefined;
}

/** Those that are bound, by name. */
export function compilePolicies(
  policies: readonly ValidatingAdmissionPolicy[],
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  cel: Cel,
): CompiledPolicy[] {
  const sorted = bindings.toSorted(byName);
  return policies.toSorted(byName).flatMap(policy => {
    const bound = sorted.filter(({ spec }) => spec.policyName === policy.metadata.name);
    return bound.length === 0 ? [] : [compilePolicy(policy, bound.map(compileBinding), cel)];
  });
}

function compilePolicy(
  policy: ValidatingAdmissionPolicy,
  bindings: readonly CompiledBinding[],
  cel: Cel,
): CompiledPolicy {
  const { spec = {} } = policy;
  const params = spec.paramKind !== undefined;
  const types: Record<string, CelResultType> = {};
  const compile = (expression: string, result: CelCompileOptions['result'] = 'bool') => {
    const known = environment({ params, variables: types, namespaceObject: true });
    return compiled(expression, () =>
      cel.compile(expression, { variables: known, authorizer: true, result }),
    );
  };
  const conditions = conditionsOf(spec.matchConditions, expression => {
    const variables = environment({ params, namespaceObject: true });
    return cel.compile(expression, { variables, authorizer: true });
  });
  // Each knows those before it.
  const variables = (spec.variables ?? []).map(({ name, expression }) => {
    const value = compile(expression, 'any');
    if (!(value.program instanceof CelCompileError)) types[name] = value.program.type;
    return { name, value };
  });
  return {
    name: policy.metadata.name ?? '',
    policy,
    criteria: criteriaOf(spec.matchConstraints ?? {}),
    ignoresFailure: spec.failurePolicy === 'Ignore',
    conditions,
    variables,
    validations: (spec.validations ?? []).map(validation => ({
      validation,
      holds: compile(validation.expression),
      message: validation.messageExpression
        ? compile(validation.messageExpression, 'string')
        : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      value: compile(valueExpression, 'string-or-null'),
    })),
    bindings,
  };
}

function compileBinding(binding: ValidatingAdmissionPolicyBinding): CompiledBinding {
  const { metadata, spec } = binding;
  const { matchResources: match } = spec;
  // A binding without rules is about all that its policy is about.
  const rules = match?.resourceRules?.length ? match.resourceRules : [EVERYTHING];
  const criteria = match && criteriaOf({ ...match, resourceRules: rules });
  return { name: metadata.name ?? '', binding, criteria };
}

function byName(a: { metadata: { name?: string } }, b: { metadata: { name?: string } }): number {
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

const EVERYTHING = {
  operations: ['*'],
  apiGroups: ['*'],
  apiVersions: ['*'],
  resources: ['*/*'],
};
