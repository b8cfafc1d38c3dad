import {
  type Attributes,
  authorizerPoint,
  coversPath,
  definePlugin,
  type ResolvedRules,
} from 'kernetes/sdk';

interface Config {
  readonly publicPaths: readonly string[];
}

const SUPERUSERS = 'system:masters';

export default definePlugin<Config>({
  name: 'auth.superusers',
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      publicPaths: { type: 'array', items: { type: 'string', pattern: '^/' }, default: [] },
    },
  },
  activate(ctx) {
    const { publicPaths = [] } = ctx.config;
    ctx.provide(authorizerPoint, {
      authorize(attributes) {
        if (attributes.user.groups.includes(SUPERUSERS)) return 'allow';
        return isPublic(attributes, publicPaths) ? 'allow' : 'no-opinion';
      },
      rules({ groups }) {
        if (groups.includes(SUPERUSERS)) return EVERYTHING;
        const paths =
          publicPaths.length > 0 ? [{ verbs: ['get'], nonResourceURLs: publicPaths }] : [];
        return { resources: [], paths, incomplete: false };
      },
    });
  },
});

function isPublic(attributes: Attributes, paths: readonly string[]): boolean {
  return 'path' in attributes && attributes.verb === 'get' && coversPath(paths, attributes.path);
}

const EVERYTHING: ResolvedRules = {
  resources: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [] }],
  paths: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
};
