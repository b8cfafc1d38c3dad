import {
  dns1123LabelErrors,
  duplicate,
  type FieldError,
  type FieldPath,
  forbiddenValue,
  labelKeyErrors,
  nameFindings,
  notSupported,
  portNameErrors,
  portNumberErrors,
  required,
  type ServicePort,
  type ServiceSpec,
} from 'kernetes/sdk';

export function validatePorts({ ports = [] }: ServiceSpec, path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => [
    ...validatePortName(port.name ?? '', {
      path: path.index(i).child('name'),
      isRequired: ports.length > 1,
      names,
    }),
    ...validatePort(port, path.index(i)),
  ]);
}

/** What two ports of a Service must not have in common. */
export function validateUniquePorts(
  { type, ports = [] }: ServiceSpec,
  path: FieldPath,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, { protocol, port }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    if (seen.has(key)) errors.push(duplicate(path.index(i), { protocol, port }));
    seen.add(key);
  }
  const nodePorts = new Set<string>();
  for (const [i, { protocol, nodePort }] of ports.entries()) {
    if (!nodePort) continue;
    const at = path.index(i).child('nodePort');
    if (type === 'ClusterIP' || type === 'ExternalName') {
      errors.push(forbiddenValue(at, `may not be used when \`type\` is '${type}'`));
      continue;
    }
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.push(duplicate(at, nodePort));
    nodePorts.add(key);
  }
  return errors;
}

function validatePortName(
  name: string,
  options: {
    readonly path: FieldPath;
    readonly isRequired: boolean;
    /** The names before; this one is added. */
    readonly names: Set<string>;
  },
): FieldError[] {
  const { path, isRequired, names } = options;
  if (name === '') return isRequired ? [required(path)] : [];
  const errors = nameFindings(path, name, dns1123LabelErrors(name));
  if (names.has(name)) errors.push(duplicate(path, name));
  names.add(name);
  return errors;
}

function validatePort(port: ServicePort, path: FieldPath): FieldError[] {
  const { protocol, targetPort = 0, appProtocol } = port;
  const errors = nameFindings(path.child('port'), port.port ?? 0, portNumberErrors(port.port ?? 0));
  if (!protocol) errors.push(required(path.child('protocol')));
  else if (!PROTOCOLS.includes(protocol)) {
    errors.push(notSupported(path.child('protocol'), protocol, PROTOCOLS));
  }
  const wrong =
    typeof targetPort === 'number' ? portNumberErrors(targetPort) : portNameErrors(targetPort);
  errors.push(...nameFindings(path.child('targetPort'), targetPort, wrong));
  if (appProtocol !== undefined) {
    errors.push(
      ...nameFindings(path.child('appProtocol'), appProtocol, labelKeyErrors(appProtocol)),
    );
  }
  return errors;
}

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
