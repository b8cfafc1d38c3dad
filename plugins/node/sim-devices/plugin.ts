import { definePlugin, keyOf, Node, ResourceClaim, ResourceSlice, runQueue } from 'kernetes/sdk';
import { DeviceModels, type DevicesConfig } from './device-models.ts';

const NODE = 'node:';
const ATTRIBUTE = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: {
    bool: { type: 'boolean' },
    int: { type: 'integer' },
    string: { type: 'string', maxLength: 64 },
    version: { type: 'string', maxLength: 64 },
  },
} as const;

export default definePlugin<DevicesConfig>({
  name: 'node.sim-devices',
  leader: 'node-agents',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      driver: { type: 'string', minLength: 1, maxLength: 63, default: 'gpu.example.com' },
      nodeLabels: { type: 'object', additionalProperties: { type: 'string' }, default: {} },
      devices: {
        type: 'array',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: {
            name: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 50 },
            count: { type: 'integer', minimum: 0, maximum: 128, default: 1 },
            attributes: { type: 'object', additionalProperties: ATTRIBUTE, default: {} },
            capacity: { type: 'object', additionalProperties: { type: 'string' }, default: {} },
          },
        },
        default: [
          {
            name: 'gpu',
            count: 2,
            attributes: { model: { string: 'simulated' } },
            capacity: { memory: '80Gi' },
          },
        ],
      },
    },
  },
  activate(ctx) {
    const nodes = ctx.informer(Node, { fields: [] });
    const slices = ctx.informer(ResourceSlice);
    const claims = ctx.informer(ResourceClaim);
    const { objects, clock, config } = ctx;
    const models = new DeviceModels({ nodes, slices, claims, objects, clock, config });
    const queue = runQueue(ctx, {
      concurrency: 10,
      work: key =>
        key.startsWith(NODE) ? models.publish(key.slice(NODE.length)) : models.prepare(key),
      replay() {
        nodes.list().forEach(nodeChanged);
        claims.list().forEach(claimChanged);
      },
    });
    const nodeChanged = (node: Node) => queue.add(NODE + node.metadata.name);
    const sliceChanged = ({ spec }: ResourceSlice) => {
      if (spec.driver === config.driver && spec.nodeName) queue.add(NODE + spec.nodeName);
    };
    const claimChanged = (claim: ResourceClaim) => {
      if (claim.status?.reservedFor?.length) queue.add(keyOf(claim));
    };
    nodes.on({ added: nodeChanged, updated: nodeChanged });
    slices.on({ updated: sliceChanged, deleted: sliceChanged });
    claims.on({ added: claimChanged, updated: claimChanged });
    void Promise.all([nodes.synced, slices.synced, claims.synced]).then(() => queue.start());
  },
});
