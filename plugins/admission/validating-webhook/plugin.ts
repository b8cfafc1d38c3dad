import { definePlugin, followWebhooks, ValidatingWebhookConfiguration } from 'kernetes/sdk';
import { validatingWebhooks } from './validating-webhook.ts';

export default definePlugin({
  name: 'admission.validating-webhook',
  activate: ctx =>
    followWebhooks(ctx, {
      kind: ValidatingWebhookConfiguration,
      mutates: false,
      admission: validatingWebhooks,
    }),
});
