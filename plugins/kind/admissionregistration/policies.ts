import { isDeepStrictEqual } from 'node:util';
import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type KindDefinition,
  type MatchResources,
  NAME_COLUMN,
  type ParamRef,
  selectorFrom,
  type ValidatingAdmissionPolicy,
  type ValidatingAdmissionPolicyBinding,
} from 'kernetes/sdk';
import { validateBinding } from './binding-validation.ts';
import type { Expressions } from './expressions.ts';
import { validatePolicy } from './policy-validation.ts';
import { GROUP, setScopes } from './webhook-configurations.ts';

const RELEASES = { since: 30 };
const CATEGORIES = ['api-extensions'];

export function validatingAdmissionPolicies(expressions: Expressions): KindDefinition {
  return defineKind<ValidatingAdmissionPolicy>({
    group: GROUP,
    kind: 'ValidatingAdmissionPolicy',
    resource: 'validatingadmissionpolicies',
    singular: 'validatingadmissionpolicy',
    categories: CATEGORIES,
    namespaced: false,
    storage: { prefix: 'registry/validatingadmissionpolicies', version: 'v1' },
    versions: [
      {
        name: 'v1',
        schema: builtInSchema(GROUP, 'v1', 'ValidatingAdmissionPolicy'),
        releases: RELEASES,
        defaults: ({ spec }) => {
          if (spec === undefined) return;
          spec.failurePolicy ??= 'Fail';
          setMatchDefaults(spec.matchConstraints);
        },
        columns: [
          NAME_COLUMN,
          column('Validations', 0, 'integer'),
          column('ParamKind'),
          AGE_COLUMN,
        ],
        row: (policy, now) => [
          policy.metadata.name ?? '',
          policy.spec?.validations?.length ?? 0,
          paramKindCell(policy),
          ageCell(policy, now),
        ],
      },
    ],
    strategy: {
      status: true,
      generation: true,
      unconditionalUpdate: false,
      validateCreate: policy => validatePolicy(policy, expressions),
      // What compiled once may stay, though the language has changed since.
      validateUpdate: (policy, old) =>
        isDeepStrictEqual(policy.spec, old.spec) ? [] : validatePolicy(policy, expressions),
    },
  });
}

export const validatingAdmissionPolicyBindings = defineKind<ValidatingAdmissionPolicyBinding>({
  group: GROUP,
  kind: 'ValidatingAdmissionPolicyBinding',
  resource: 'validatingadmissionpolicybindings',
  singular: 'validatingadmissionpolicybinding',
  categories: CATEGORIES,
  namespaced: false,
  storage: { prefix: 'registry/validatingadmissionpolicybindings', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema(GROUP, 'v1', 'ValidatingAdmissionPolicyBinding'),
      releases: RELEASES,
      defaults: ({ spec }) => setMatchDefaults(spec?.matchResources),
      columns: [NAME_COLUMN, column('PolicyName'), column('ParamRef'), AGE_COLUMN],
      row: (binding, now) => [
        binding.metadata.name ?? '',
        binding.spec?.policyName ?? '',
        paramRefCell(binding),
        ageCell(binding, now),
      ],
    },
  ],
  strategy: {
    generation: true,
    unconditionalUpdate: false,
    validate: validateBinding,
  },
});

function setMatchDefaults(match: MatchResources | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  setScopes(match.resourceRules);
  setScopes(match.excludeResourceRules);
}

function paramKindCell({ spec }: ValidatingAdmissionPolicy): string {
  if (!spec?.paramKind) return '<unset>';
  const { apiVersion = '', kind = '' } = spec.paramKind;
  return `${apiVersion}/${kind}`;
}

function paramRefCell({ spec }: ValidatingAdmissionPolicyBinding): string {
  const { name, namespace, selector } = spec?.paramRef ?? {};
  if (name) return namespace ? `${namespace}/${name}` : name;
  return selector === undefined ? '<unset>' : selectorText(selector);
}

/** Cells are made of objects that were not checked, too. */
function selectorText(selector: NonNullable<ParamRef['selector']>): string {
  try {
    return selectorFrom(selector).toString();
  } catch {
    return '<invalid>';
  }
}
