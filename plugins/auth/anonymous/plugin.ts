import { authenticatorPoint, definePlugin } from 'kernetes/sdk';

export default definePlugin({
  name: 'auth.anonymous',
  activate(ctx) {
    ctx.provide(authenticatorPoint, {
      authenticate({ authorization, certificate }) {
        // Credentials that nobody before could place are wrong, not absent.
        if (authorization !== undefined || certificate !== undefined) return undefined;
        return { name: 'system:anonymous', groups: ['system:unauthenticated'] };
      },
    });
  },
});
