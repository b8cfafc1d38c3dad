import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressServiceBackend,
  IntOrString,
  KubeObject,
  networkingV1beta1,
} from 'kernetes/sdk';

/**
 * Between `v1` and `v1beta1`, which called the default backend `backend` and had a backend's
 * service as two fields. Both change their argument.
 */
export function fromV1beta1(object: networkingV1beta1.Ingress): Ingress {
  const { spec } = object;
  if (spec === undefined) return object as KubeObject;
  const { backend, ...rest } = spec;
  for (const { http } of spec.rules ?? []) {
    for (const path of http?.paths ?? []) {
      (path as HTTPIngressPath).backend = newBackend(path.backend);
    }
  }
  const converted = object as Ingress;
  converted.spec = rest as NonNullable<Ingress['spec']>;
  if (backend) converted.spec.defaultBackend = newBackend(backend);
  return converted;
}

export function toV1beta1(object: Ingress): networkingV1beta1.Ingress {
  const { spec } = object;
  if (spec === undefined) return object as KubeObject;
  const { defaultBackend, ...rest } = spec;
  for (const { http } of spec.rules ?? []) {
    for (const path of http?.paths ?? []) {
      (path as networkingV1beta1.HTTPIngressPath).backend = oldBackend(path.backend);
    }
  }
  const converted = object as networkingV1beta1.Ingress;
  converted.spec = rest as NonNullable<networkingV1beta1.Ingress['spec']>;
  if (defaultBackend) converted.spec.backend = oldBackend(defaultBackend);
  return converted;
}

function newBackend(backend: networkingV1beta1.IngressBackend | undefined): IngressBackend {
  const { serviceName, servicePort, resource } = backend ?? {};
  const converted: IngressBackend = resource ? { resource } : {};
  if (serviceName === undefined && servicePort === undefined) return converted;
  converted.service = { name: serviceName ?? '' };
  if (servicePort !== undefined) converted.service.port = newPort(servicePort);
  return converted;
}

function newPort(port: IntOrString): NonNullable<IngressServiceBackend['port']> {
  return typeof port === 'string' ? { name: port } : { number: port };
}

function oldBackend(backend: IngressBackend | undefined): networkingV1beta1.IngressBackend {
  const { service, resource } = backend ?? {};
  const converted: networkingV1beta1.IngressBackend = resource ? { resource } : {};
  if (service === undefined) return converted;
  converted.serviceName = service.name;
  const port = service.port?.name || service.port?.number;
  if (port !== undefined) converted.servicePort = port;
  return converted;
}
