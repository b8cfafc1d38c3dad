import {
  controllerReference,
  type EndpointSlice,
  isHeadless,
  Service,
  type StringMap,
} from 'kernetes/sdk';

export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const MANAGER = 'endpointslice-controller.k8s.io';

export function newSlice(
  service: Service,
  parts: Pick<EndpointSlice, 'addressType' | 'ports' | 'endpoints'>,
): EndpointSlice {
  const { namespace = '', name = '' } = service.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: labelsOf(service),
      ownerReferences: [controllerReference(Service, service)],
    },
    ...parts,
  };
}

export function hasLabels(service: Service, { metadata }: EndpointSlice): boolean {
  const wanted = Object.entries(labelsOf(service));
  const labels = metadata.labels ?? {};
  return (
    Object.keys(labels).length === wanted.length &&
    wanted.every(([name, value]) => labels[name] === value)
  );
}

export function withLabels(service: Service, slice: EndpointSlice): EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, labels: labelsOf(service) } };
}

/** Of the Service, as a client finds its slices. */
export function serviceNameOf({ metadata }: EndpointSlice): string {
  return metadata.labels?.[SERVICE_NAME] ?? '';
}

/** The Service's own, and by what a client finds the slices. */
function labelsOf(service: Service): StringMap {
  const { [HEADLESS]: _, ...own } = service.metadata.labels ?? {};
  return {
    ...own,
    [SERVICE_NAME]: service.metadata.name ?? '',
    [MANAGED_BY]: MANAGER,
    ...(isHeadless(service) && { [HEADLESS]: '' }),
  };
}

const SERVICE_NAME = 'kubernetes.io/service-name';
const HEADLESS = 'service.kubernetes.io/headless';
