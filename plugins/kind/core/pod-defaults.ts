import {
  addQuantities,
  type Container,
  defaultPodSpec,
  formatQuantity,
  type Pod,
  type PodSpec,
  parseQuantity,
} from 'kernetes/sdk';

/** Beside what every pod specification gets: what upstream fills in for Pods alone. */
export function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [] };
  const { spec } = pod;
  spec.containers ??= [];
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  for (const container of containers) {
    requestLimits(container);
    if (spec.hostNetwork) takeHostPorts(container);
  }
  if (spec.resources?.limits) requestForPod(spec);
}

/** Who limits a resource and does not say what is asked for asks for the limit. */
function requestLimits({ resources }: Container): void {
  if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
}

/** In the node's network a container's port is the node's. */
function takeHostPorts({ ports = [] }: Container): void {
  for (const port of ports) port.hostPort ||= port.containerPort;
}

/** The pod as a whole asks for what its containers do together, or else for its limit. */
function requestForPod(spec: PodSpec): void {
  const { resources } = spec;
  if (!resources?.limits) return;
  const requests = { ...resources.requests };
  for (const name of POD_RESOURCES) {
    if (requests[name]) continue;
    const asked = spec.containers.flatMap(({ resources }) => resources?.requests?.[name] ?? []);
    const limit = resources.limits[name];
    const [first, ...others] = asked.map(parseQuantity);
    if (first) requests[name] = formatQuantity(others.reduce(addQuantities, first));
    else if (limit) requests[name] = limit;
  }
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** What can be limited for a pod as a whole. */
const POD_RESOURCES = ['cpu', 'memory'];
