import {
  admissionRules,
  definePlugin,
  KeptAdmission,
  kindPoint,
  loadCel,
  Matching,
  Namespace,
  openDoor,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from 'kernetes/sdk';
import { compilePolicies } from './compiled-policy.ts';
import { Params } from './params.ts';
import { ValidatingPolicies } from './validating-policy.ts';

export default definePlugin({
  name: 'admission.validating-policy',
  async activate(ctx) {
    const policies = ctx.informer(ValidatingAdmissionPolicy);
    const bindings = ctx.informer(ValidatingAdmissionPolicyBinding);
    const namespaces = ctx.informer(Namespace);
    const door = openDoor(ctx);
    const namespace = (name: string) =>
      namespaces.get(name) ?? ctx.objects.get(Namespace, { name });
    const matching = new Matching({ door, namespace });
    const kinds = ctx.contributions(kindPoint);
    const params = new Params({ kinds, open: kind => ctx.informer(kind) });
    kinds.onChange(() => params.renew());
    const kept = new KeptAdmission(ctx, async () => {
      const isBound = policies.list().length > 0 && bindings.list().length > 0;
      const cel = isBound ? await loadCel() : undefined;
      // Whatever was waited for, the newest are taken.
      const compiled = cel ? compilePolicies(policies.list(), bindings.list(), cel) : [];
      params.keep(compiled.flatMap(({ policy }) => policy.spec?.paramKind ?? []));
      if (compiled.length === 0) return undefined;
      const validating = new ValidatingPolicies(compiled, { matching, params, door });
      return {
        rules: admissionRules(compiled.flatMap(({ criteria }) => criteria.rules)),
        validate: request => validating.validate(request),
      };
    });
    const { onChange } = kept;
    const handlers = { added: onChange, updated: onChange, deleted: onChange };
    policies.on(handlers);
    bindings.on(handlers);
    await Promise.all([policies.synced, bindings.synced, namespaces.synced]);
    await kept.renew();
  },
});
