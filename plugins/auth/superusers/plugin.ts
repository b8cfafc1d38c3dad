import { type Attributes, authorizerPoint, definePlugin } from 'kernetes/sdk';

/** What everybody may read, signed in or not. */
const PUBLIC_PATHS = ['/healthz', '/livez', '/readyz', '/version'];
const SUPERUSERS = 'system:masters';

export default definePlugin({
  name: 'auth.superusers',
  activate(ctx) {
    ctx.provide(authorizerPoint, {
      authorize(attributes) {
        if (attributes.user.groups.includes(SUPERUSERS)) return 'allow';
        return isPublic(attributes) ? 'allow' : 'no-opinion';
      },
    });
  },
});

function isPublic(attributes: Attributes): boolean {
  if (!('path' in attributes) || attributes.verb !== 'get') return false;
  return PUBLIC_PATHS.some(
    path => attributes.path === path || attributes.path.startsWith(`${path}/`),
  );
}
