import { admissionPoint } from '../sdk/admission.ts';
import { auditorPoint } from '../sdk/audit.ts';
import { authenticatorPoint, authorizerPoint } from '../sdk/auth.ts';
import { certificateAuthorityPoint } from '../sdk/certificates/certificates.ts';
import { clusterNetworkPoint } from '../sdk/cluster-network.ts';
import { componentPoint } from '../sdk/component.ts';
import { connectorPoint, remoteVersionPoint } from '../sdk/connect.ts';
import {
  bodyPoint,
  decoderPoint,
  doorPoint,
  patcherPoint,
  routePoint,
  serverPoint,
  shapePoint,
} from '../sdk/door.ts';
import type { ExtensionPoint } from '../sdk/extension.ts';
import { fieldManagerPoint } from '../sdk/field-manager.ts';
import { frontProxyPoint } from '../sdk/front-proxy.ts';
import { kindPoint } from '../sdk/kind-definition.ts';
import { listenerPoint } from '../sdk/listener.ts';
import { metricsPoint } from '../sdk/metrics.ts';
import { servedKindPoint } from '../sdk/served-kind.ts';
import { subresourcePoint } from '../sdk/subresource.ts';
import { tokenIssuerPoint } from '../sdk/token-issuer.ts';

/** Whether a plugin may contribute depends on this. */
export interface Contributor {
  readonly plugin: string;
  /** It is in another thread or process. */
  readonly remote: boolean;
  /** The points that its manifest names; undefined when it has no manifest. */
  readonly provides: readonly string[] | undefined;
}

/**
 * Throws unless the plugin may contribute to the point. What a manifest does not name under
 * `provides` is refused, so that the operator knows before any code is read. A single file has no
 * manifest: outside of the kernel's thread it may contribute to points of other plugins, such as
 * the scheduler's, and to none that the kernel itself asks.
 */
export function assertMayProvide(
  point: ExtensionPoint<never>,
  { plugin, remote, provides }: Contributor,
): void {
  const isKernels = KERNEL_POINTS.has(point.name);
  if (provides !== undefined && !provides.includes(point.name)) {
    throw new Error(
      `Cannot add to "${point.name}": plugin "${plugin}" does not name it under "provides" in its ` +
        'plugin.yaml',
    );
  }
  if (!remote || !isKernels) return;
  if (provides === undefined) {
    throw new Error(
      `Cannot add to "${point.name}": plugin "${plugin}" has no plugin.yaml that says so under ` +
        '"provides"',
    );
  }
  if (ownPoint(point).methods.length === 0) {
    throw new Error(
      `Cannot add to "${point.name}" from another thread: place plugin "${plugin}" inline`,
    );
  }
}

/** Throws when the plain data of a contribution to a point of the kernel is not what it reads. */
export function assertComplete(point: ExtensionPoint<never>, value: unknown): void {
  if (point.name !== admissionPoint.name) return;
  const { rules } = value as { rules?: unknown };
  if (Array.isArray(rules) && rules.every(isAdmissionRule)) return;
  throw new Error(
    `Cannot add to "${point.name}": its rules are no list of { operations, groups, resources }`,
  );
}

function isAdmissionRule(rule: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return false;
  const { operations, groups, resources } = rule as Record<string, unknown>;
  return [operations, groups, resources].every(
    list => Array.isArray(list) && list.every(item => typeof item === 'string'),
  );
}

/** The point as the kernel knows it, whatever a plugin says of it; else as given. */
export function ownPoint<T>(point: ExtensionPoint<T>): ExtensionPoint<T> {
  // Points of one name have one type.
  return (KERNEL_POINTS.get(point.name) as ExtensionPoint<T> | undefined) ?? point;
}

/**
 * Those that the kernel asks, or fills, itself, and those by which the API server's plugins let
 * others see, carry or vouch for what is not theirs.
 */
const KERNEL_POINTS: ReadonlyMap<string, ExtensionPoint<never>> = new Map(
  [
    admissionPoint,
    auditorPoint,
    authenticatorPoint,
    authorizerPoint,
    bodyPoint,
    certificateAuthorityPoint,
    clusterNetworkPoint,
    componentPoint,
    connectorPoint,
    decoderPoint,
    doorPoint,
    fieldManagerPoint,
    frontProxyPoint,
    kindPoint,
    listenerPoint,
    metricsPoint,
    patcherPoint,
    remoteVersionPoint,
    routePoint,
    servedKindPoint,
    serverPoint,
    shapePoint,
    subresourcePoint,
    tokenIssuerPoint,
  ].map(point => [point.name, point as unknown as ExtensionPoint<never>]),
);
