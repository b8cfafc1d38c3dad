import { admissionPoint, definePlugin, kindPoint } from 'kernetes/sdk';
import { adminAccessPath, assertAdminNamespace } from './admin-access.ts';
import { deviceClasses } from './device-class.ts';
import { resourceClaims, resourceClaimTemplates } from './resource-claim.ts';
import { resourceSlices } from './resource-slice.ts';
import { hasSelectors, Selectors } from './selectors.ts';

export default definePlugin({
  name: 'kind.resource',
  activate(ctx) {
    const selectors = new Selectors();
    const withSelectors = [
      deviceClasses(selectors),
      resourceClaims(selectors),
      resourceClaimTemplates(selectors),
    ];
    for (const kind of [...withSelectors, resourceSlices]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
    // Validation is synchronous; what it needs is there when its turn comes.
    ctx.provide(admissionPoint, {
      rules: [
        {
          operations: ['CREATE', 'UPDATE'],
          groups: ['resource.k8s.io'],
          resources: withSelectors.map(({ resource }) => resource),
        },
      ],
      mutate: ({ object }) => (hasSelectors(object) ? selectors.load() : undefined),
      validate(request) {
        const path = request.operation === 'CREATE' ? adminAccessPath(request.object) : undefined;
        return path && assertAdminNamespace(ctx.objects, request, path);
      },
    });
  },
});
