import { admissionPoint, definePlugin, kindPoint } from 'kernetes/sdk';
import { Expressions, hasExpressions } from './expressions.ts';
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from './policies.ts';
import { GROUP, webhookConfigurations } from './webhook-configurations.ts';

export default definePlugin({
  name: 'kind.admissionregistration',
  activate(ctx) {
    const expressions = new Expressions();
    const compiled = [
      ...webhookConfigurations(expressions),
      validatingAdmissionPolicies(expressions),
    ];
    for (const kind of [...compiled, validatingAdmissionPolicyBindings]) {
      ctx.provide(kindPoint, kind, kind.resource);
    }
    // Validation is synchronous; what it needs is there when its turn comes.
    ctx.provide(admissionPoint, {
      rules: [
        {
          operations: ['CREATE', 'UPDATE'],
          groups: [GROUP],
          resources: compiled.map(({ resource }) => resource),
        },
      ],
      mutate: ({ object }) => (hasExpressions(object) ? expressions.load() : undefined),
    });
  },
});
