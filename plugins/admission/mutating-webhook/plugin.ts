import {
  decoderPoint,
  definePlugin,
  followWebhooks,
  MutatingWebhookConfiguration,
  patcherPoint,
  serviceUnavailable,
} from 'kernetes/sdk';
import { MutatingWebhooks } from './mutating-webhook.ts';

const PATCH_TYPE = 'application/json-patch+json';

export default definePlugin({
  name: 'admission.mutating-webhook',
  async activate(ctx) {
    const patchers = ctx.contributions(patcherPoint);
    const decoders = ctx.contributions(decoderPoint);
    const patcher = () =>
      given(patchers.list().find(({ value }) => value.types.includes(PATCH_TYPE)));
    const decoder = () => given(decoders.list()[0]);
    await followWebhooks(ctx, {
      kind: MutatingWebhookConfiguration,
      mutates: true,
      admission: (hooks, caller, matching) => {
        const webhooks = new MutatingWebhooks(hooks, caller, { matching, patcher, decoder });
        return { mutate: request => webhooks.mutate(request) };
      },
    });
  },
});

function given<T>(contribution: { readonly value: T } | undefined): T {
  if (contribution) return contribution.value;
  throw serviceUnavailable('No plugin reads what webhooks make of an object');
}
