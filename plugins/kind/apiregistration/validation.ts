import {
  type APIService,
  type APIServiceSpec,
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  type FieldError,
  fieldPath,
  invalidValue,
  nameFindings,
  portNumberErrors,
  required,
} from 'kernetes/sdk';

const SPEC = fieldPath('spec');

/** Upstream's rules, in its order and words. */
export function validateApiService({ metadata, spec }: APIService): FieldError[] {
  const { group = '', version = '' } = spec ?? {};
  const { groupPriorityMinimum = 0, versionPriority = 0 } = spec ?? {};
  const errors: FieldError[] = [];
  const wanted = `${version}.${group}`;
  if (metadata.name !== wanted) {
    const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`;
    errors.push(invalidValue(fieldPath('metadata', 'name'), metadata.name ?? '', why));
  }
  if (group === '' && version !== 'v1') {
    const why = 'only v1 may have an empty group and it better be legacy kube';
    errors.push(required(SPEC.child('group'), why));
  }
  if (group !== '') {
    errors.push(...nameFindings(SPEC.child('group'), group, dns1123SubdomainErrors(group)));
  }
  errors.push(...nameFindings(SPEC.child('version'), version, dns1035LabelErrors(version)));
  return [
    ...errors,
    ...priority(groupPriorityMinimum, 'groupPriorityMinimum', 20_000),
    ...priority(versionPriority, 'versionPriority', 1_000),
    ...validateService(spec),
  ];
}

function priority(value: number, name: string, max: number): FieldError[] {
  if (value > 0 && value <= max) return [];
  return [invalidValue(SPEC.child(name), value, `must be positive and less than ${max}`)];
}

function validateService(spec: Partial<APIServiceSpec> = {}): FieldError[] {
  const { service, caBundle = '', insecureSkipTLSVerify = false } = spec;
  const skip = SPEC.child('insecureSkipTLSVerify');
  const errors: FieldError[] = [];
  if (service === undefined) {
    if (caBundle !== '') {
      const size = `${Buffer.from(caBundle, 'base64').length} bytes`;
      const why = 'local APIServices may not have a caBundle';
      errors.push(invalidValue(SPEC.child('caBundle'), size, why));
    }
    if (insecureSkipTLSVerify) {
      const why = 'local APIServices may not have insecureSkipTLSVerify';
      errors.push(invalidValue(skip, true, why));
    }
    return errors;
  }
  const path = SPEC.child('service');
  if (!service.namespace) errors.push(required(path.child('namespace')));
  if (!service.name) errors.push(required(path.child('name')));
  const { port = 443 } = service;
  for (const why of portNumberErrors(port) ?? []) {
    errors.push(invalidValue(path.child('port'), port, `port is not valid: ${why}`));
  }
  if (insecureSkipTLSVerify && caBundle !== '') {
    errors.push(invalidValue(skip, true, 'may not be true if caBundle is present'));
  }
  return errors;
}
