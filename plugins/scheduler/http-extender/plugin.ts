import { definePlugin, Node, schedulerPoint } from 'kernetes/sdk';
import { configuredExtenders } from './configured.ts';
import type { ExtenderSetting } from './extender.ts';

interface HttpExtenderConfig {
  readonly extenders: readonly ExtenderSetting[];
  /** A file for kube-scheduler: its extenders come after the others. */
  readonly configuration?: Readonly<Record<string, unknown>>;
}

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean', default: false } as const;

export default definePlugin<HttpExtenderConfig>({
  name: 'HTTPExtenders',
  leader: 'kube-scheduler',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      configuration: { type: 'object' },
      extenders: {
        type: 'array',
        default: [],
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['urlPrefix'],
          properties: {
            urlPrefix: { type: 'string', pattern: '^https?://' },
            filterVerb: TEXT,
            prioritizeVerb: TEXT,
            bindVerb: TEXT,
            preemptVerb: TEXT,
            weight: { type: 'integer', minimum: 1, default: 1 },
            enableHTTPS: FLAG,
            tlsConfig: {
              type: 'object',
              additionalProperties: false,
              properties: {
                insecure: FLAG,
                serverName: TEXT,
                caFile: TEXT,
                certFile: TEXT,
                keyFile: TEXT,
                caData: TEXT,
                certData: TEXT,
                keyData: TEXT,
              },
            },
            httpTimeoutMs: { type: 'number', exclusiveMinimum: 0, default: 5_000 },
            nodeCacheCapable: FLAG,
            ignorable: FLAG,
            managedResources: {
              type: 'array',
              items: {
                type: 'object',
                additionalProperties: false,
                required: ['name'],
                properties: { name: TEXT, ignoredByScheduler: { type: 'boolean' } },
              },
            },
          },
        },
      },
    },
  },
  async activate(ctx) {
    const { config, clock, log } = ctx;
    const settings = [...config.extenders, ...configuredExtenders(config.configuration)];
    if (settings.length === 0) return;
    const [{ Connection }, { Extender }, { Extenders }] = await loadParts();
    const isKnowing = settings.every(({ nodeCacheCapable }) => nodeCacheCapable);
    const nodes = isKnowing ? undefined : ctx.informer(Node);
    const nodeOf = (name: string) => nodes?.get(name);
    const extenders = settings.map(setting => {
      const connection = new Connection(setting, clock);
      ctx.onDispose(() => void connection.close());
      return new Extender(setting, connection, nodeOf);
    });
    const contribution = new Extenders(extenders, { options: config, log });
    ctx.provide(schedulerPoint, contribution, contribution.name);
  },
});

/** Most clusters have no extenders. */
function loadParts() {
  return Promise.all([
    import('./connection.ts'),
    import('./extender.ts'),
    import('./extenders.ts'),
  ] as const);
}
