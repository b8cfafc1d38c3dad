import {
  authenticatorPoint,
  bearerToken,
  definePlugin,
  Secret,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import { parseToken, userOf } from './bootstrap-token.ts';

export default definePlugin({
  name: 'auth.bootstrap-tokens',
  activate(ctx) {
    ctx.provide(authenticatorPoint, {
      authenticate(credentials) {
        const token = parseToken(bearerToken(credentials) ?? '');
        if (token === undefined) return undefined;
        const key = { namespace: 'kube-system', name: `bootstrap-token-${token.id}` };
        return ctx.objects
          .get(Secret, key)
          .then(secret => userOf(token, secret, ctx.clock.now()))
          .catch(undefinedIfNotFound);
      },
    });
  },
});
