import type { Deployment, ReplicaSet } from '../api/types-apps-v1.ts';
import type { Namespace, Node, Pod, PodTemplateSpec, Service } from '../api/types-core-v1.ts';
import type { ObjectMeta } from '../api/types-meta-v1.ts';

/** Metadata beside the name; `default` is the namespace of namespaced objects. */
export type Meta = Partial<ObjectMeta>;

/** A pod of one container `main`; without a status, and so not scheduled and not running. */
export function pod(
  name: string,
  parts: { metadata?: Meta } & Partial<Omit<Pod, 'metadata'>> = {},
): Pod {
  const { metadata, spec, ...rest } = parts;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ...metadata },
    spec: { containers: [{ name: 'main', image: 'nginx' }], ...spec },
    ...rest,
  };
}

export interface RunningOptions {
  readonly ip?: string;
  readonly nodeName?: string;
  /** Default true. */
  readonly ready?: boolean;
  /** Since when it is (not) ready. */
  readonly since?: string;
}

/** The status of a pod that runs. */
export function running(options: RunningOptions = {}): NonNullable<Pod['status']> {
  const { ip = '10.244.0.2', ready = true, since = '2026-01-01T00:00:00Z' } = options;
  return {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    startTime: since,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: since }],
  };
}

/** A node that is ready and has room for 110 pods. */
export function node(name: string, parts: { metadata?: Meta; spec?: Node['spec'] } = {}): Node {
  const resources = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '100Gi' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name }, ...parts.metadata },
    spec: { ...parts.spec },
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

export function namespace(name: string, metadata: Meta = {}): Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, ...metadata },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

/** Selects, and labels its pods with, `app: <name>`; one replica unless `spec` says otherwise. */
export function deployment(
  name: string,
  spec: Partial<NonNullable<Deployment['spec']>> = {},
  metadata: Meta = {},
): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: template(name),
      ...spec,
    },
  };
}

/** As `deployment`. */
export function replicaSet(
  name: string,
  spec: Partial<NonNullable<ReplicaSet['spec']>> = {},
  metadata: Meta = {},
): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: template(name),
      ...spec,
    },
  };
}

/** Selects `app: <name>`; port 80 unless `spec` says otherwise. */
export function service(
  name: string,
  spec: Partial<NonNullable<Service['spec']>> = {},
  metadata: Meta = {},
): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      selector: { app: name },
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      ...spec,
    },
  };
}

function template(app: string): PodTemplateSpec {
  return {
    metadata: { labels: { app } },
    spec: { containers: [{ name: 'main', image: 'nginx' }] },
  };
}
