import type { AdmissionPlugin } from '../admission.ts';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../api/types-admissionregistration-v1.ts';
import { Namespace } from '../api/types-core-v1.ts';
import { loadCel } from '../cel/cel.ts';
import { clusterNetworkPoint } from '../cluster-network.ts';
import { KeptAdmission } from '../dynamic-admission/kept.ts';
import { Matching } from '../dynamic-admission/matching.ts';
import { admissionRules } from '../dynamic-admission/rules.ts';
import type { Kind } from '../kind.ts';
import { openDoor } from '../open-door.ts';
import type { PluginContext } from '../plugin.ts';
import { WebhookClient } from '../webhook/client.ts';
import { serviceFinder } from '../webhook/service-address.ts';
import { HookCaller } from './call.ts';
import { type Hook, hooksOf } from './hook.ts';

export interface WebhookAdmissionOptions {
  readonly kind: Kind<MutatingWebhookConfiguration> | Kind<ValidatingWebhookConfiguration>;
  readonly mutates: boolean;
  /** What is done with the webhooks that there are. */
  readonly admission: (
    hooks: readonly Hook[],
    caller: HookCaller,
    matching: Matching,
  ) => Omit<AdmissionPlugin, 'rules'>;
}

/** Contributes admission as the configurations of a kind say, and follows their changes. */
export async function followWebhooks(
  ctx: PluginContext,
  { kind, mutates, admission }: WebhookAdmissionOptions,
): Promise<void> {
  const configurations = ctx.informer(kind as Kind<MutatingWebhookConfiguration>);
  const namespaces = ctx.informer(Namespace);
  const client = new WebhookClient({
    clock: ctx.clock,
    findService: serviceFinder(ctx),
    networks: ctx.contributions(clusterNetworkPoint),
  });
  ctx.onDispose(() => client.close());
  const door = openDoor(ctx);
  const namespace = (name: string) => namespaces.get(name) ?? ctx.objects.get(Namespace, { name });
  const matching = new Matching({ door, namespace });
  const { random, log } = ctx;
  const caller = new HookCaller({ client, matching, door, random, log, mutates });
  const kept = new KeptAdmission(ctx, async () => {
    const found = configurations.list();
    const conditional = found.some(({ webhooks }) =>
      webhooks?.some(({ matchConditions }) => matchConditions?.length),
    );
    // Whatever was waited for, the newest are taken.
    const cel = conditional ? await loadCel() : undefined;
    const hooks = hooksOf(configurations.list(), cel);
    if (hooks.length === 0) return undefined;
    const rules = admissionRules(hooks.flatMap(({ webhook }) => webhook.rules ?? []));
    return { rules, ...admission(hooks, caller, matching) };
  });
  const { onChange } = kept;
  configurations.on({ added: onChange, updated: onChange, deleted: onChange });
  await Promise.all([configurations.synced, namespaces.synced]);
  await kept.renew();
}
