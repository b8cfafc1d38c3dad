import {
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  type FieldError,
  type FieldPath,
  fieldPath,
  type HTTPIngressPath,
  type Ingress,
  type IngressBackend,
  type IngressRule,
  type IngressServiceBackend,
  type IngressTLS,
  invalidValue,
  type NameErrors,
  nameFindings,
  oneOf,
  portNameErrors,
  portNumberErrors,
  required,
  wildcardSubdomainErrors,
} from 'kernetes/sdk';
import { isIp } from './ip.ts';
import { validateTypedReference } from './typed-reference.ts';

const SPEC = fieldPath('spec');
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/** The findings on an Ingress in its storage version. */
export function validateIngress({ spec = {} }: Ingress): FieldError[] {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = spec;
  const errors: FieldError[] = [];
  if (rules.length === 0 && defaultBackend === undefined) {
    const detail = 'either `defaultBackend` or `rules` must be specified';
    errors.push(invalidValue(SPEC, spec.rules ?? null, detail));
  }
  if (defaultBackend) errors.push(...validateBackend(defaultBackend, SPEC.child('defaultBackend')));
  errors.push(...rules.flatMap((rule, i) => validateRule(rule, SPEC.child('rules').index(i))));
  errors.push(...tls.flatMap((entry, i) => validateTls(entry, SPEC.child('tls').index(i))));
  if (ingressClassName === undefined) return errors;
  const wrong = dns1123SubdomainErrors(ingressClassName);
  return [...errors, ...nameFindings(SPEC.child('ingressClassName'), ingressClassName, wrong)];
}

/** Of a new one: the annotation came before the field, and the two must not contradict. */
export function validateIngressClassAnnotation({ metadata, spec }: Ingress): FieldError[] {
  const annotation = metadata.annotations?.[CLASS_ANNOTATION];
  const name = spec?.ingressClassName;
  if (annotation === undefined || name === undefined || annotation === name) return [];
  const path = fieldPath('metadata', 'annotations', CLASS_ANNOTATION);
  const detail = 'must match `ingressClassName` when both are specified';
  return [invalidValue(path, annotation, detail)];
}

export function validateIngressStatus({ status }: Ingress): FieldError[] {
  const path = fieldPath('status', 'loadBalancer', 'ingress');
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const at = path.index(i);
    return [
      ...(ip && !isIp(ip) ? [invalidValue(at.child('ip'), ip, 'must be a valid IP address')] : []),
      ...(hostname ? validateHost(hostname, at.child('hostname'), dns1123SubdomainErrors) : []),
    ];
  });
}

function validateRule({ host, http }: IngressRule, path: FieldPath): FieldError[] {
  const errors = host ? validateHost(host, path.child('host'), hostErrors) : [];
  if (http === undefined) return errors;
  const paths = path.child('http', 'paths');
  if (!http.paths?.length) return [...errors, required(paths)];
  return [...errors, ...http.paths.flatMap((each, i) => validatePath(each, paths.index(i)))];
}

function validateHost(
  host: string,
  path: FieldPath,
  errorsOf: (host: string) => NameErrors,
): FieldError[] {
  const errors = nameFindings(path, host, errorsOf(host));
  if (!isIp(host)) return errors;
  return [invalidValue(path, host, 'must be a DNS name, not an IP address'), ...errors];
}

function hostErrors(host: string): NameErrors {
  return host.includes('*') ? wildcardSubdomainErrors(host) : dns1123SubdomainErrors(host);
}

function validateTls({ hosts = [], secretName }: IngressTLS, path: FieldPath): FieldError[] {
  const errors = hosts.flatMap((host, i) =>
    nameFindings(path.child('hosts').index(i), host, hostErrors(host)),
  );
  if (!secretName) return errors;
  const wrong = dns1123SubdomainErrors(secretName);
  return [...errors, ...nameFindings(path.child('secretName'), secretName, wrong)];
}

function validatePath(each: HTTPIngressPath, at: FieldPath): FieldError[] {
  const { path = '', pathType, backend } = each;
  if (!pathType) return [required(at.child('pathType'), 'pathType must be specified')];
  return [
    ...oneOf(pathType, ['Exact', 'ImplementationSpecific', 'Prefix'], at.child('pathType')),
    ...validateUrlPath(path, at.child('path'), pathType),
    ...validateBackend(backend ?? {}, at.child('backend')),
  ];
}

function validateUrlPath(path: string, at: FieldPath, pathType: string): FieldError[] {
  const strict = pathType === 'Exact' || pathType === 'Prefix';
  const errors: FieldError[] = [];
  if (!path.startsWith('/') && (strict || path !== '')) {
    errors.push(invalidValue(at, path, 'must be an absolute path'));
  }
  if (!strict) return errors;
  for (const sequence of ['//', '/./', '/../', '%2f', '%2F']) {
    if (!path.includes(sequence)) continue;
    errors.push(invalidValue(at, path, `must not contain '${sequence}'`));
  }
  for (const suffix of ['/..', '/.']) {
    if (path.endsWith(suffix)) errors.push(invalidValue(at, path, `cannot end with '${suffix}'`));
  }
  return errors;
}

function validateBackend({ service, resource }: IngressBackend, path: FieldPath): FieldError[] {
  if (service && resource) {
    return [invalidValue(path, '', 'cannot set both resource and service backends')];
  }
  if (resource) return validateTypedReference(resource, path.child('resource'));
  if (service) return validateService(service, path);
  return [invalidValue(path, '', 'resource or service backend is required')];
}

function validateService(service: IngressServiceBackend, path: FieldPath): FieldError[] {
  const { name, port } = service;
  const namePath = path.child('service', 'name');
  const errors = name
    ? nameFindings(namePath, name, dns1035LabelErrors(name))
    : [required(namePath)];
  const portPath = path.child('service', 'port');
  if (port?.name && port.number) {
    errors.push(invalidValue(path, '', 'cannot set both port name & port number'));
  } else if (port?.name) {
    errors.push(...nameFindings(portPath.child('name'), port.name, portNameErrors(port.name)));
  } else if (port?.number) {
    const wrong = portNumberErrors(port.number);
    errors.push(...nameFindings(portPath.child('number'), port.number, wrong));
  } else {
    errors.push(required(path, 'port name or number is required'));
  }
  return errors;
}
