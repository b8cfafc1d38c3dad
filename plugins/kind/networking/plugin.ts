import { definePlugin, kindPoint } from 'kernetes/sdk';
import { ipAddresses, serviceCidrs } from './address.ts';
import { extensionsIngresses, ingresses } from './ingress.ts';
import { ingressClasses } from './ingress-class.ts';
import { networkPolicies } from './network-policy.ts';

export default definePlugin({
  name: 'kind.networking',
  activate(ctx) {
    for (const kind of [ingressClasses, ingresses, ipAddresses, networkPolicies, serviceCidrs]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
    ctx.provide(kindPoint, extensionsIngresses, 'ingresses.extensions');
  },
});
