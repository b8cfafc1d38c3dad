import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  type FieldError,
  fieldPath,
  forbiddenValue,
  type IngressClass,
  type IngressClassParametersReference,
  immutable,
  invalidValue,
  type KindVersion,
  NAME_COLUMN,
  nameFindings,
  oneOf,
  required,
  type TableCell,
  tooLong,
} from 'kernetes/sdk';
import { validateTypedReference } from './typed-reference.ts';

export const ingressClasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  kind: 'IngressClass',
  resource: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  storage: { prefix: 'registry/ingressclasses', version: 'v1' },
  versions: [
    ingressClassVersion('v1'),
    {
      ...ingressClassVersion('v1beta1'),
      releases: { until: 21 },
      deprecation:
        'networking.k8s.io/v1beta1 IngressClass is deprecated in v1.19+, unavailable in v1.22+; ' +
        'use networking.k8s.io/v1 IngressClassList',
    },
  ],
  strategy: {
    generation: true,
    validate: validateIngressClass,
    validateUpdate: ({ spec }, { spec: old }) =>
      immutable(spec?.controller, old?.controller, SPEC.child('controller')),
  },
});

const SPEC = fieldPath('spec');
const CONTROLLER_LENGTH_MAX = 250;

/** The versions differ in name alone; fields that came later are in both. */
function ingressClassVersion(name: string): KindVersion<IngressClass> {
  return {
    name,
    schema: builtInSchema('networking.k8s.io', name, 'IngressClass'),
    defaults: ({ spec }) => {
      if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
    },
    columns: [NAME_COLUMN, column('Controller'), column('Parameters'), AGE_COLUMN],
    row: ingressClassRow,
  };
}

export function validateIngressClass({ spec }: IngressClass): FieldError[] {
  return [
    ...validateController(spec?.controller ?? ''),
    ...(spec?.parameters ? validateParameters(spec.parameters) : []),
  ];
}

/** `example.com/ingress` */
function validateController(controller: string): FieldError[] {
  const path = SPEC.child('controller');
  const errors =
    controller.length > CONTROLLER_LENGTH_MAX ? [tooLong(path, CONTROLLER_LENGTH_MAX)] : [];
  if (controller === '') return [...errors, required(path)];
  const slash = controller.indexOf('/');
  const domain = controller.slice(0, Math.max(slash, 0));
  const rest = controller.slice(slash + 1);
  if (domain === '' || rest === '') {
    const detail = 'must be a domain-prefixed path (such as "acme.io/foo")';
    return [...errors, invalidValue(path, controller, detail)];
  }
  errors.push(...nameFindings(path, domain, dns1123SubdomainErrors(domain)));
  if (URL_PATH.test(rest)) return errors;
  return [...errors, invalidValue(path, rest, `must be a valid URL path: ${URL_PATH.source}`)];
}

const URL_PATH = /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

function validateParameters(parameters: IngressClassParametersReference): FieldError[] {
  const path = SPEC.child('parameters');
  const { scope, namespace } = parameters;
  const errors = validateTypedReference(parameters, path);
  const namespacePath = path.child('namespace');
  if (scope === 'Namespace') {
    if (!namespace) {
      const detail = "`parameters.scope` is set to 'Namespace'";
      return [...errors, required(namespacePath, detail)];
    }
    return [...errors, ...nameFindings(namespacePath, namespace, dns1123LabelErrors(namespace))];
  }
  errors.push(...oneOf(scope, ['Cluster', 'Namespace'], path.child('scope')));
  if (scope === 'Cluster' && namespace !== undefined) {
    errors.push(forbiddenValue(namespacePath, "`parameters.scope` is set to 'Cluster'"));
  }
  return errors;
}

export function ingressClassRow(ingressClass: IngressClass, now: number): TableCell[] {
  const { metadata, spec } = ingressClass;
  return [
    metadata.name ?? '',
    spec?.controller ?? '',
    parametersCell(spec?.parameters),
    ageCell(ingressClass, now),
  ];
}

/** `IngressParameters.example.com/external` */
function parametersCell(parameters: IngressClassParametersReference | undefined): string {
  if (parameters === undefined) return '<none>';
  const { apiGroup, kind, name } = parameters;
  return `${apiGroup === undefined ? kind : `${kind}.${apiGroup}`}/${name}`;
}
