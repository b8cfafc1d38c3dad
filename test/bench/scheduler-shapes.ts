import type { Affinity, Node, Pod, PodSpec } from 'kernetes/sdk';
import { node, pod } from 'kernetes/sdk/testing';

/** What the pods of a benchmark are like: metadata and spec of pod `i` of `count` on `nodes` nodes. */
export type Shape = (i: number, nodes: number) => { app: string; spec?: Partial<PodSpec> };

const HOSTNAME = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';

export const SHAPES = {
  plain: () => ({ app: 'web' }),
  unlike: i => ({ app: `web-${i}` }),
  'spread-zone': () => ({ app: 'web', spec: spread('web', ZONE, 1) }),
  'spread-hostname': () => ({ app: 'web', spec: spread('web', HOSTNAME, 1) }),
  'prefer-apart': () => ({
    app: 'web',
    spec: { affinity: { podAntiAffinity: preferred('web', HOSTNAME) } },
  }),
  // So many apps that each has at most one pod on every second node.
  apart: (i, nodes) => {
    const app = `web-${Math.floor(i / Math.max(1, nodes >> 1))}`;
    return { app, spec: { affinity: { podAntiAffinity: required(app, HOSTNAME) } } };
  },
  together: () => ({
    app: 'web',
    spec: { affinity: { podAffinity: required('web', ZONE) } },
  }),
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;

function term(app: string, topologyKey: string) {
  return { topologyKey, labelSelector: { matchLabels: { app } } };
}

function required(app: string, topologyKey: string) {
  return { requiredDuringSchedulingIgnoredDuringExecution: [term(app, topologyKey)] };
}

function preferred(app: string, topologyKey: string): NonNullable<Affinity['podAntiAffinity']> {
  const podAffinityTerm = term(app, topologyKey);
  return { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] };
}

function spread(app: string, topologyKey: string, maxSkew: number): Partial<PodSpec> {
  const labelSelector = { matchLabels: { app } };
  const whenUnsatisfiable = 'DoNotSchedule';
  return {
    topologySpreadConstraints: [{ topologyKey, maxSkew, whenUnsatisfiable, labelSelector }],
  };
}

export function benchPods(name: ShapeName, count: number, nodes: number): Pod[] {
  const shape: Shape = SHAPES[name];
  return Array.from({ length: count }, (_, i) => {
    const { app, spec } = shape(i, nodes);
    return benchPod(`${name}-${i}`, app, spec);
  });
}

export function benchPod(name: string, app: string, spec: Partial<PodSpec> = {}): Pod {
  const requests = { cpu: '10m', memory: '10Mi' };
  const containers = [{ name: 'main', image: 'nginx', resources: { requests } }];
  return pod(name, {
    metadata: { uid: `uid-${name}`, labels: { app } },
    spec: { containers, ...spec },
  });
}

/** Two of them fit on no node of `benchNodes`. */
export function wholeNodePod(name: string, spec: Partial<PodSpec>): Pod {
  const resources = { requests: { cpu: '3', memory: '10Mi' } };
  const containers = [{ name: 'main', image: 'nginx', resources }];
  return benchPod(name, 'whole', { containers, ...spec });
}

export function benchNodes(count: number): Node[] {
  return Array.from({ length: count }, (_, i) => {
    const name = `node-${i}`;
    return node(name, { metadata: { labels: { [HOSTNAME]: name, [ZONE]: `zone-${i % 3}` } } });
  });
}
