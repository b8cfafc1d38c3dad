import {
  byLabel,
  byNode,
  type ConfigOf,
  definePlugin,
  EndpointSlice,
  formatKey,
  NODE_FIELDS,
  Node,
  POD_FIELDS,
  Pod,
  parseKey,
  runController,
  Service,
  servicesOfPod,
} from 'kernetes/sdk';
import { SliceReconciler } from './endpointslice.ts';
import { serviceNameOf } from './labels.ts';
import { Topology } from './topology.ts';
import { contribution, Zones, zoneOf } from './zones.ts';

const CONFIG = {
  type: 'object',
  additionalProperties: false,
  properties: {
    maxEndpointsPerSlice: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
  },
} as const;

export default definePlugin<ConfigOf<typeof CONFIG>>({
  name: 'controller.endpointslice',
  leader: 'kube-controller-manager',
  config: CONFIG,
  activate(ctx) {
    const nodes = ctx.informer(Node, { fields: NODE_FIELDS });
    const zones = new Zones(nodes);
    const topology = new Topology(zones);
    const { maxEndpointsPerSlice: endpointsMax } = ctx.config;
    const reconciler = new SliceReconciler({ clock: ctx.clock, topology, endpointsMax });
    const running = runController(ctx, {
      for: Service,
      owns: [EndpointSlice],
      watches: [
        {
          kind: EndpointSlice,
          indexes: { service: byService },
          map: slice => byService(slice).map(parseKey),
        },
        {
          kind: Pod,
          fields: POD_FIELDS,
          indexes: { label: byLabel, node: byNode },
          map: servicesOfPod,
        },
        // What nodes tell often, their heartbeats, concerns nobody here.
        { kind: Node, fields: NODE_FIELDS, map: () => [] },
      ],
      concurrency: 10,
      // Pods come in crowds: one write of a slice for many.
      intervalMs: 100,
      reconcile: (key, context) => reconciler.reconcile(key, context),
    });
    const placed = ({ metadata: { name = '' } }: Node) => {
      const pods = running.informer(Pod).byIndex('node', name);
      const keys = new Set(pods.flatMap(pod => servicesOfPod(pod, running)).map(formatKey));
      for (const key of keys) running.enqueue(parseKey(key));
    };
    const resized = () => {
      zones.forget();
      for (const key of topology.services()) running.enqueue(parseKey(key));
    };
    const changed = (node: Node) => {
      placed(node);
      resized();
    };
    nodes.on({
      added: changed,
      updated(node, old) {
        if (zoneOf(node) !== zoneOf(old)) placed(node);
        if (contribution(node) !== contribution(old)) resized();
      },
      deleted: changed,
    });
  },
});

function byService(slice: EndpointSlice): readonly string[] {
  const name = serviceNameOf(slice);
  return name ? [`${slice.metadata.namespace}/${name}`] : [];
}
