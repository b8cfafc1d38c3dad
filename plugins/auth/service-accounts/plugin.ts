import {
  authenticatorPoint,
  bearerToken,
  type ConfigOf,
  definePlugin,
  listenerPoint,
  routePoint,
  serviceAccountUser,
  subresourcePoint,
  tokenIssuerPoint,
} from 'kernetes/sdk';
import { legacyClaims } from './claims.ts';
import { discoveryRoutes } from './discovery.ts';
import { signJwt } from './jwt.ts';
import { openSigningKey, readVerificationKey } from './signing-key.ts';
import { tokenRequests } from './token-request.ts';
import { Tokens } from './tokens.ts';

const CONFIG = {
  type: 'object',
  additionalProperties: false,
  properties: {
    issuer: {
      type: 'string',
      minLength: 1,
      default: 'https://kubernetes.default.svc.cluster.local',
    },
    apiAudiences: { type: 'array', items: { type: 'string', minLength: 1 }, default: [] },
    signingKeyFile: { type: 'string', default: '' },
    keyFolder: { type: 'string', default: '' },
    keyFiles: { type: 'array', items: { type: 'string', minLength: 1 }, default: [] },
    maxExpirationSeconds: { type: 'integer', minimum: 0, default: 0 },
  },
} as const;

export default definePlugin<ConfigOf<typeof CONFIG>>({
  name: 'auth.service-accounts',
  config: CONFIG,
  async activate(ctx) {
    const { clock, random, objects } = ctx;
    const { issuer, keyFiles, maxExpirationSeconds } = ctx.config;
    const apiAudiences = ctx.config.apiAudiences.length > 0 ? ctx.config.apiAudiences : [issuer];
    const key = await openSigningKey(ctx.config);
    const keys = [key, ...(await Promise.all(keyFiles.map(readVerificationKey)))];
    const tokens = new Tokens({ issuer, apiAudiences, keys, clock, objects });
    ctx.provide(authenticatorPoint, {
      authenticate(credentials) {
        const token = bearerToken(credentials);
        return token === undefined ? undefined : tokens.authenticate(token, credentials.audiences);
      },
    });
    const sign = (claims: object) => signJwt(claims, key);
    ctx.provide(
      subresourcePoint,
      tokenRequests({ issuer, apiAudiences, maxExpirationSeconds, clock, random, objects, sign }),
    );
    ctx.provide(tokenIssuerPoint, {
      tokenFor(account, secret) {
        const { namespace = '', name = '' } = account.metadata;
        return sign(legacyClaims(account, secret, serviceAccountUser(namespace, name)));
      },
    });
    const listeners = ctx.contributions(listenerPoint);
    const server = () => listeners.list()[0]?.value.server ?? issuer;
    for (const route of discoveryRoutes({ issuer, keys, server })) {
      ctx.provide(routePoint, route, route.path);
    }
  },
});
