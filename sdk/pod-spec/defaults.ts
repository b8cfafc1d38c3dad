import type {
  Container,
  LifecycleHandler,
  PodSpec,
  PodTemplateSpec,
  Probe,
} from '../api/types-core-v1.ts';
import { formatQuantity, parseQuantity, quantityMilliValue } from '../quantity.ts';
import { isFloatingImage } from './image.ts';
import { defaultVolume } from './volume-defaults.ts';

/**
 * Fills in what upstream's v1 fills into every pod specification, in place. A Pod itself gets more
 * (`requests` from `limits`, host ports): that is the Pod kind's.
 */
export function defaultPodSpec(spec: PodSpec): void {
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of containersOf(spec)) defaultContainer(container);
  roundResources(spec.resources?.limits);
  roundResources(spec.resources?.requests);
  roundResources(spec.overhead);
  spec.restartPolicy ||= 'Always';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.securityContext ??= {};
  spec.schedulerName ||= 'default-scheduler';
  unifyServiceAccount(spec);
}

/** The specification and the metadata that every template has on the wire. */
export function defaultPodTemplate(template: PodTemplateSpec): void {
  template.metadata ??= {};
  template.spec ??= { containers: [] };
  defaultPodSpec(template.spec);
}

/** `serviceAccount` is the old name of `serviceAccountName`: both are shown, the new one rules. */
export function unifyServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

/** Init containers, containers and ephemeral ones. */
export function containersOf(spec: PodSpec): Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
}

function defaultContainer(container: Container): void {
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
    if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef.optional ??= false;
  }
  container.resources ??= {};
  roundResources(container.resources.limits);
  roundResources(container.resources.requests);
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  defaultHandler(container.lifecycle?.postStart);
  defaultHandler(container.lifecycle?.preStop);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.imagePullPolicy ||= isFloatingImage(container.image ?? '') ? 'Always' : 'IfNotPresent';
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return;
  defaultHandler(probe);
  if (probe.grpc) probe.grpc.service ??= '';
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
}

function defaultHandler(handler: Pick<LifecycleHandler, 'httpGet'> | undefined): void {
  if (!handler?.httpGet) return;
  handler.httpGet.path ||= '/';
  handler.httpGet.scheme ||= 'HTTP';
}

/** Quantities finer than a thousandth are rounded up to one. */
function roundResources(resources: Record<string, string> | undefined): void {
  if (!resources) return;
  for (const [name, text] of Object.entries(resources)) {
    // Most are surely not: parsing them is most of what filling in a pod costs.
    if (!FINE.test(text)) continue;
    const { scale, format } = parseQuantity(text);
    if (scale >= MILLI) continue;
    const mantissa = BigInt(quantityMilliValue(text));
    resources[name] = formatQuantity({ mantissa, scale: MILLI, format });
  }
}

/** The power of ten of a thousandth. */
const MILLI = -3;
/** A fraction, an exponent, nano or micro: what a quantity finer than a thousandth has. */
const FINE = /[.eEnu]/;
