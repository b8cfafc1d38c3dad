import { type AdmissionRequest, type Hook, type HookCaller, isExempt } from 'kernetes/sdk';

/** All webhooks that a request concerns are asked at once; the first refusal is the answer. */
export function validatingWebhooks(hooks: readonly Hook[], caller: HookCaller) {
  return {
    async validate(request: AdmissionRequest): Promise<void> {
      if (isExempt(request)) return;
      const found = await Promise.all(hooks.map(hook => caller.invocation(hook, request)));
      const concerned = found.filter(each => each !== undefined);
      if (concerned.length === 0) return;
      // All are waited for: which refusal is told must not depend on who is fastest.
      const results = await Promise.allSettled(concerned.map(each => caller.call(each, request)));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
  };
}
